// Differential compares the answers of `integration-operator template --jsonl` with those of real Go
// text/template and sprig, for templates and data that a grammar makes (grammar.go), byte for byte, errors
// included.
//
//	differential [-seconds N | -count N] [-seed N] [-known FILE] PROGRAM
//	differential -vectors FILE            are these recorded answers what the Go at hand says?
//	differential -bench FOLDER            what do these templates cost in Go?
//
// Each difference is printed as one line of JSON with the seed of its case, which -seed N -count 1 makes again.
// It ends with 1 where there is one that FILE does not list with its reason.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"text/template"
	"time"
	"unicode/utf8"

	"github.com/Masterminds/sprig/v3"
)

// A case is one line of the protocol.
type testCase struct {
	Template   string `json:"template"`
	Data       any    `json:"data,omitempty"`
	Name       string `json:"name,omitempty"`
	MissingKey string `json:"missingkey,omitempty"`
}

type answer struct {
	Output    *string `json:"output,omitempty"`
	OutputB64 *string `json:"output_b64,omitempty"`
	Error     *string `json:"error,omitempty"`
	ErrorB64  *string `json:"error_b64,omitempty"`
}

// The answer as one text that says which of the two it is.
func (a answer) text() string {
	decode := func(coded *string) string {
		raw, err := base64.StdEncoding.DecodeString(*coded)
		if err != nil {
			return "bad base64: " + *coded
		}
		return string(raw)
	}
	switch {
	case a.Output != nil:
		return "output: " + *a.Output
	case a.OutputB64 != nil:
		return "output: " + decode(a.OutputB64)
	case a.Error != nil:
		return "error: " + *a.Error
	case a.ErrorB64 != nil:
		return "error: " + decode(a.ErrorB64)
	}
	return "no answer"
}

// What this program is refused to compare: random, or the surroundings' business.
var refused = []string{"env", "expandenv", "getHostByName"}

var functions = sync.OnceValue(func() template.FuncMap {
	all := sprig.TxtFuncMap()
	for _, name := range refused {
		delete(all, name)
	}
	return all
})

func askGo(c testCase) (text string) {
	defer func() {
		if reason := recover(); reason != nil {
			text = fmt.Sprint("panic: ", reason)
		}
	}()
	parsed := template.New(c.Name).Delims("{%", "%}").Funcs(functions())
	if c.MissingKey != "" {
		parsed = parsed.Option("missingkey=" + c.MissingKey)
	}
	parsed, err := parsed.Parse(c.Template)
	if err != nil {
		return "error: " + err.Error()
	}
	// The data as the protocol carries it: every number a float64.
	coded, err := json.Marshal(c.Data)
	if err != nil {
		return "bad data: " + err.Error()
	}
	var data any
	if err := json.Unmarshal(coded, &data); err != nil {
		return "bad data: " + err.Error()
	}
	var out strings.Builder
	if err := parsed.Execute(&out, data); err != nil {
		return "error: " + err.Error()
	}
	return "output: " + out.String()
}

// Answers lines of the protocol. Go stands in a process of its own because some templates end it: a map that holds
// itself overflows its stack.
func serve(in io.Reader, out io.Writer) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return nil
		}
		var c testCase
		if err := json.Unmarshal(line, &c); err != nil {
			return err
		}
		var a answer
		text := askGo(c)
		kind, rest, _ := strings.Cut(text, ": ")
		if kind == "output" {
			coded := base64.StdEncoding.EncodeToString([]byte(rest))
			a.OutputB64 = &coded
		} else {
			if kind != "error" {
				rest = text
			}
			coded := base64.StdEncoding.EncodeToString([]byte(rest))
			a.ErrorB64 = &coded
		}
		told, err := json.Marshal(a)
		if err != nil {
			return err
		}
		if _, err := out.Write(append(told, '\n')); err != nil {
			return err
		}
	}
}

// One of the two programs that are compared, restarted where it ends.
type program struct {
	path string
	args []string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
}

func (p *program) start() error {
	p.cmd = exec.Command(p.path, p.args...)
	p.cmd.Env = append(os.Environ(), "TZ=UTC")
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	p.out = bufio.NewReaderSize(out, 1<<20)
	return p.cmd.Start()
}

// How long a program may take for one template. Go has no bounds of its own.
const longest = 10 * time.Second
const tooLong = "the program was ended: it took too long"

func (p *program) ask(c testCase) (string, error) {
	if p.cmd == nil {
		if err := p.start(); err != nil {
			return "", err
		}
	}
	line, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	process := p.cmd.Process
	var late atomic.Bool
	timer := time.AfterFunc(longest, func() {
		late.Store(true)
		process.Kill()
	})
	defer timer.Stop()
	if _, err = p.in.Write(append(line, '\n')); err == nil {
		var told []byte
		if told, err = p.out.ReadBytes('\n'); err == nil {
			var a answer
			if err = json.Unmarshal(told, &a); err != nil {
				return "", err
			}
			return a.text(), nil
		}
	}
	p.in.Close()
	status := p.cmd.Wait()
	p.cmd = nil
	if late.Load() {
		return tooLong, nil
	}
	return fmt.Sprint("the program ended: ", status), nil
}

// A difference that is meant.
type known struct {
	Template string `json:"template,omitempty"` // regular expressions; absent: any
	Ours     string `json:"ours,omitempty"`
	Go       string `json:"go,omitempty"`
	Reason   string `json:"reason"`
}

func readKnown(path string) ([]known, error) {
	if path == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var list []known
	return list, json.Unmarshal(raw, &list)
}

func matches(pattern, text string) bool {
	return pattern == "" || regexp.MustCompile("(?s)"+pattern).MatchString(text)
}

func isKnown(list []known, c testCase, ours, theirs string) bool {
	for _, k := range list {
		if matches(k.Template, c.Template) && matches(k.Ours, ours) && matches(k.Go, theirs) {
			return true
		}
	}
	return false
}

// The smallest template found that still gives a difference, by leaving pieces out.
func minimise(c testCase, differs func(testCase) bool) testCase {
	for size := len(c.Template) / 2; size > 0; size /= 2 {
		for at := 0; at+size <= len(c.Template); {
			shorter := c
			shorter.Template = c.Template[:at] + c.Template[at+size:]
			if utf8.ValidString(shorter.Template) && differs(shorter) {
				c = shorter
			} else {
				at += size
			}
		}
	}
	return c
}

func checkVectors(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewReader(file)
	count, wrong := 0, 0
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var c testCase
			var a answer
			if err := json.Unmarshal(line, &c); err != nil {
				return err
			}
			if err := json.Unmarshal(line, &a); err != nil {
				return err
			}
			count++
			if told := askGo(c); told != a.text() {
				wrong++
				fmt.Printf("%q\n  recorded %q\n  now      %q\n", c.Template, a.text(), told)
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	fmt.Printf("%d recorded answers, %d differ\n", count, wrong)
	if wrong > 0 {
		return fmt.Errorf("this Go answers otherwise")
	}
	return nil
}

func compare(path, knownPath string, seconds, count int, seed int64) (int, error) {
	list, err := readKnown(knownPath)
	if err != nil {
		return 0, err
	}
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	ours := &program{path: path, args: []string{"template", "--jsonl"}}
	oracle := &program{path: self, args: []string{"-oracle"}}
	askOracle := func(c testCase) string {
		text, err := oracle.ask(c)
		if err != nil {
			return err.Error()
		}
		return text
	}
	end := time.Now().Add(time.Duration(seconds) * time.Second)
	cases, errors, bounded, endless, unsteady, listed, differences := 0, 0, 0, 0, 0, 0, 0
	for ; (count == 0 || cases < count) && (seconds == 0 || time.Now().Before(end)); cases++ {
		caseSeed := seed + int64(cases)
		c := newGenerator(caseSeed).testCase()
		told, err := ours.ask(c)
		if err != nil {
			return 0, err
		}
		if strings.Contains(told, "exceeded the limit of") {
			bounded++ // Go has no such bounds, and might not come to an end
			continue
		}
		theirs := askOracle(c)
		if theirs == tooLong {
			endless++
			fmt.Fprintf(os.Stderr, "Go takes too long for seed %d: %s\n", caseSeed, c.Template)
			continue
		}
		if strings.HasPrefix(theirs, "error: ") {
			errors++
		}
		if told == theirs {
			continue
		}
		if isKnown(list, c, told, theirs) {
			listed++
			continue
		}
		// What depends on the clock is another the next time.
		time.Sleep(20 * time.Millisecond)
		if again, _ := ours.ask(c); again != told || askOracle(c) != theirs {
			unsteady++
			continue
		}
		differences++
		small := minimise(c, func(shorter testCase) bool {
			told, err := ours.ask(shorter)
			if err != nil || strings.Contains(told, "exceeded the limit of") {
				return false
			}
			theirs := askOracle(shorter)
			return told != theirs && !isKnown(list, shorter, told, theirs)
		})
		told, _ = ours.ask(small)
		line, _ := json.Marshal(map[string]any{
			"seed": caseSeed, "template": small.Template, "data": small.Data, "missingkey": small.MissingKey,
			"ours": told, "go": askOracle(small),
		})
		fmt.Println(string(line))
	}
	fmt.Printf("%d cases (%d of them errors), %d met a bound, %d have no end in Go, %d tell the time, %d differ as listed, %d differ\n", cases,
		errors, bounded, endless, unsteady, listed, differences)
	return differences, nil
}

func main() {
	os.Setenv("TZ", "UTC") // before the first look at the local zone
	seconds := flag.Int("seconds", 0, "end after so many seconds")
	count := flag.Int("count", 0, "end after so many cases")
	seed := flag.Int64("seed", time.Now().UnixNano()/1000, "the seed of the first case; the next one's is one more")
	knownPath := flag.String("known", "", "the differences that are meant")
	benchFolder := flag.String("bench", "", "measure the benchmark templates of that folder instead")
	isOracle := flag.Bool("oracle", false, "answer lines of the protocol on standard input")
	vectors := flag.String("vectors", "", "check recorded answers instead")
	flag.Parse()
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, "differential:", err)
		os.Exit(2)
	}
	if *vectors != "" {
		if err := checkVectors(*vectors); err != nil {
			fail(err)
		}
		return
	}
	if *isOracle {
		if err := serve(os.Stdin, os.Stdout); err != nil {
			fail(err)
		}
		return
	}
	if *benchFolder != "" {
		if err := bench(*benchFolder); err != nil {
			fail(err)
		}
		return
	}
	if flag.NArg() != 1 || (*seconds == 0 && *count == 0) {
		flag.Usage()
		os.Exit(2)
	}
	differences, err := compare(flag.Arg(0), *knownPath, *seconds, *count, *seed)
	if err != nil {
		fail(err)
	}
	if differences > 0 {
		os.Exit(1)
	}
}
