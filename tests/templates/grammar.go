package main

import (
	"fmt"
	"math/rand"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// A generator makes one case of a seed.
type generator struct {
	*rand.Rand
	vars    []string // variables in scope
	depth   int
	loops   int
	defined []string // templates that may be called
}

func newGenerator(seed int64) *generator {
	return &generator{Rand: rand.New(rand.NewSource(seed))}
}

// Functions whose answers differ from run to run, and those that read the clock.
var undetermined = map[string]bool{
	"now": true, "ago": true, "uuidv4": true, "shuffle": true, "keys": true, "values": true,
	"randAlpha": true, "randAlphaNum": true, "randAscii": true, "randNumeric": true, "randBytes": true, "randInt": true,
	"bcrypt": true, "htpasswd": true, "encryptAES": true, "derivePassword": true,
	"genPrivateKey": true, "genCA": true, "genCAWithKey": true, "genSelfSignedCert": true,
	"genSelfSignedCertWithKey": true, "genSignedCert": true, "genSignedCertWithKey": true,
}

var builtins = map[string][]string{
	"and": {"any", "any"}, "or": {"any", "any"}, "not": {"any"}, "len": {"any"}, "index": {"any", "key"},
	"slice": {"string", "small", "small"}, "print": {"any", "any"}, "println": {"any", "any"}, "html": {"any"},
	"js": {"any"}, "urlquery": {"any"}, "eq": {"any", "any"}, "ne": {"any", "any"}, "lt": {"scalar", "scalar"},
	"le": {"scalar", "scalar"}, "gt": {"scalar", "scalar"}, "ge": {"scalar", "scalar"}, "call": {"any"},
}

// What kinds of arguments bring a function further than its Go types say, and what must stay small.
var hints = map[string][]string{
	"repeat": {"small", "string"}, "until": {"small"}, "untilStep": {"small", "small", "step"}, "seq": {"small", "small"},
	"indent": {"small", "string"}, "nindent": {"small", "string"}, "wrap": {"small", "string"},
	"wrapWith": {"small", "string", "string"}, "abbrev": {"small", "string"}, "abbrevboth": {"small", "small", "string"},
	"trunc": {"small", "string"}, "substr": {"small", "small", "string"}, "initials": {"string"},
	"plural": {"string", "string", "small"}, "splitn": {"string", "small", "string"}, "chunk": {"small", "list"},
	"mustChunk": {"small", "list"}, "slice": {"list", "small", "small"}, "mustSlice": {"list", "small", "small"},
	"join": {"string", "list"}, "sortAlpha": {"list"}, "toStrings": {"list"}, "first": {"list"}, "last": {"list"},
	"rest": {"list"}, "initial": {"list"}, "reverse": {"list"}, "uniq": {"list"}, "compact": {"list"},
	"mustFirst": {"list"}, "mustLast": {"list"}, "mustRest": {"list"}, "mustInitial": {"list"}, "mustReverse": {"list"},
	"mustUniq": {"list"}, "mustCompact": {"list"}, "append": {"list", "any"}, "push": {"list", "any"},
	"prepend": {"list", "any"}, "mustAppend": {"list", "any"}, "mustPush": {"list", "any"}, "mustPrepend": {"list", "any"},
	"has": {"any", "list"}, "mustHas": {"any", "list"}, "without": {"list", "any"}, "mustWithout": {"list", "any"},
	"concat": {"list", "list"}, "get": {"map", "key"}, "set": {"map", "key", "any"}, "unset": {"map", "key"},
	"hasKey": {"map", "key"}, "pick": {"map", "key", "key"}, "omit": {"map", "key"}, "pluck": {"key", "map", "map"},
	"merge": {"map", "map"}, "mergeOverwrite": {"map", "map"}, "mustMerge": {"map", "map"},
	"mustMergeOverwrite": {"map", "map"}, "dig": {"key", "key", "any", "map"}, "dict": {"key", "any", "key", "any"},
	"deepCopy": {"any"}, "mustDeepCopy": {"any"}, "fromJson": {"json"}, "mustFromJson": {"json"},
	"regexMatch": {"regex", "string"}, "mustRegexMatch": {"regex", "string"}, "regexFind": {"regex", "string"},
	"mustRegexFind": {"regex", "string"}, "regexFindAll": {"regex", "string", "small"},
	"mustRegexFindAll": {"regex", "string", "small"}, "regexReplaceAll": {"regex", "string", "replacement"},
	"mustRegexReplaceAll": {"regex", "string", "replacement"}, "regexReplaceAllLiteral": {"regex", "string", "replacement"},
	"mustRegexReplaceAllLiteral": {"regex", "string", "replacement"}, "regexSplit": {"regex", "string", "small"},
	"mustRegexSplit": {"regex", "string", "small"}, "semver": {"version"}, "semverCompare": {"constraint", "version"},
	"date": {"layout", "time"}, "date_in_zone": {"layout", "time", "zone"}, "dateInZone": {"layout", "time", "zone"},
	"htmlDate": {"time"}, "htmlDateInZone": {"time", "zone"}, "dateModify": {"duration", "timevalue"},
	"date_modify": {"duration", "timevalue"}, "mustDateModify": {"duration", "timevalue"},
	"must_date_modify": {"duration", "timevalue"}, "toDate": {"layout", "timetext"}, "mustToDate": {"layout", "timetext"},
	"unixEpoch": {"timevalue"}, "duration": {"seconds"}, "durationRound": {"durationvalue"}, "urlParse": {"url"},
	"urlJoin": {"urlmap"}, "b64dec": {"base64"}, "b32dec": {"base32"}, "atoi": {"number"}, "int": {"scalar"},
	"int64": {"scalar"}, "float64": {"scalar"}, "toDecimal": {"number"}, "round": {"scalar", "small"},
	"add": {"scalar", "scalar"}, "sub": {"scalar", "scalar"}, "mul": {"scalar", "scalar"}, "div": {"scalar", "scalar"},
	"mod": {"scalar", "scalar"}, "max": {"scalar", "scalar"}, "min": {"scalar", "scalar"}, "addf": {"scalar", "scalar"},
	"subf": {"scalar", "scalar"}, "mulf": {"scalar", "scalar"}, "divf": {"scalar", "scalar"}, "maxf": {"scalar", "scalar"},
	"minf": {"scalar", "scalar"}, "floor": {"scalar"}, "ceil": {"scalar"}, "typeIs": {"typename", "any"},
	"typeIsLike": {"typename", "any"}, "kindIs": {"kindname", "any"}, "ternary": {"any", "any", "bool"},
	"decryptAES": {"string", "base64"}, "osBase": {"path"}, "osClean": {"path"}, "osDir": {"path"}, "osExt": {"path"},
	"base": {"path"}, "clean": {"path"}, "dir": {"path"}, "ext": {"path"}, "isAbs": {"path"}, "osIsAbs": {"path"},
	"replace": {"string", "string", "string"}, "trimAll": {"string", "string"}, "fail": {"string"},
}

var funcTypes = map[string]reflect.Type{}
var funcNames = func() []string {
	var names []string
	for name, function := range functions() {
		if undetermined[name] {
			continue
		}
		funcTypes[name] = reflect.TypeOf(function)
		names = append(names, name)
	}
	for name := range builtins {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}()

func pick[T any](g *generator, from []T) T { return from[g.Intn(len(from))] }

func (g *generator) has(variable string) bool { return slices.Contains(g.vars, variable) }

func (g *generator) chance(percent int) bool { return g.Intn(100) < percent }

// --- Texts of each kind ---

var words = []string{"", "a", "b", "foo", "Bar", "hello world", "Foo Bar-baz_qux", "  padded ", "ÄÖü ß", "日本語", "e\u0301", "tab\there",
	"line\nbreak\n", "x,y,,z", "a.b.c", "a/b//c", "42", "-7", "0x1F", "017", "1e3", "3.14", "true", "false", "null", "<a href=\"x\">&'",
	"100%", "$1 ${2}", "\\d+\\s", "\u0000", "\u2028", "\ufffd", "🙂 smile", "ALLCAPS", "camelCaseString", "snake_case_string",
	"kebab-case-string", "HTTPServer2Go", "q\"uote'd", "`tick`", strings.Repeat("lorem ipsum ", 6)}
var keys = []string{"a", "b", "c", "name", "list", "map", "num", "missing", "nested", "n", "x"}
var regexes = []string{"a", "[a-z]+", "^$", "(\\w+)\\s(\\w+)", "x*", "", ".", "(?i)FOO", "(?P<first>\\w)(?P<last>\\w)", "\\bfoo\\b", "[^,]*",
	"a|b|", "(a|ab)(c|bcd)?", "\\p{Lu}", "(?m)^.*$", "(?s).+", "\\d{1,3}", "(", "[z-a]", "a**", "\\8", "(?<n>a)", "x{2,1}", "\\Q.\\E",
	"[[:alpha:]]+", "(?:ab)+?", "\\z", "(?U)a+", "[\\d-x]", "é|ü", "a{0}", "\\x{1F642}", "(?i)straße", "\\pN", "^", "\\C"}
var layouts = []string{"2006-01-02", "Mon Jan _2 15:04:05 2006", "2006-01-02T15:04:05Z07:00", "02 Jan 06 15:04 MST", "January 2, 2006",
	"3:04PM", "Jan _2 15:04:05.000", "2006-002", "15h04m05s", "2006", "06", "Monday", "pm", ".00", ",999", "Z0700", "-07", "-07:00:00",
	"", "x", "2006-01-02 15:04:05 -0700", "1/2/2006", "__2", "002", "05.000000", "Z070000"}
var timeTexts = []string{"2024-02-29", "1999-12-31", "2024-02-29T12:34:56Z", "2024-02-29T12:34:56+02:00", "Thu Feb  1 15:04:05 2024",
	"29 Feb 24 23:59 UTC", "3:04PM", "2023-02-29", "0001-01-01", "", "garbage", "2006", "2024-060", "12/31/1999", "9999-12-31"}
var zones = []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Local", "", "Nowhere/City", "Asia/Tokyo"}
var durations = []string{"1h", "-90m", "1.5s", "24h30m", "100ms", "x", "", "1us", "-0.5h", "3000h", "+2h45m"}
var versions = []string{"1.2.3", "v1.2", "1", "2.0.0-alpha.1+build", "1.2.3-rc1", "bad", "", "1.2.3.4", "01.2.3", "10.20.30", "1.0.0-0a",
	"999999999999999999999.0.0", "v0.0.0-20240101000000-abcdef123456"}
var constraints = []string{"^1.2", "~1.2.3", ">=1.0.0, <2.0.0", "1.x", "*", "!=1.2.3", "1.2 - 1.4", ">1 || <0.5", "bad", "", "=1.2.3-rc1",
	"~>1", "^0.0", "^0", ">= 1.2.3-0", "1.2.3 , 2"}
var urls = []string{"https://user:pass@example.com:8080/a/b?x=1&y=2#frag", "http://[::1]:80/", "mailto:a@b.c", "/path only", "//host/p", "",
	":bad", "http://a b/", "https://example.com/%zz", "https://example.com?q=a b", "ftp://h/%41%2f", "http://ex.com:port/", "x:y:z", "#f", "?q"}
var paths = []string{"/a/b/c.txt", "a/../b", "", ".", "/", "//x//y/", "a.tar.gz", ".hidden", "../..", "/a/./b/", "dir/"}
var numbers = []string{"0", "1", "-1", "42", "007", "0777", "0x10", "1e5", "3.99", " 7", "9223372036854775807", "9223372036854775808", "-0", "1_000",
	"", "abc", "0b11", "0o17", "Inf", "NaN", "1.", ".5"}
var jsons = []string{`{"a":1,"b":[1,2,{"c":null}]}`, `[1,2.5,-3e2,"x",true,null]`, `"str"`, `12345678901234567890`, `{`, ``, `nul`, `{"a":1,"a":2}`,
	`"\u00e9\ud83d\ude00\ud800"`, `[1,]`, ` {"x" : "<&>"} `, `1 2`, `{"a":{"b":{"c":"d"}}}`, `-0`, `1e400`, "\"\t\"", `[[[]]]`, `{"é":"\/"}`}
var base64s = []string{"aGVsbG8=", "aGVsbG8", "", "!!!!", "/+8=", "aGVs\nbG8=", "w6k=", "_-8=", "a", "=", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}
var base32s = []string{"NBSWY3DP", "NBSWY3DPEE======", "", "1!", "nbswy3dp", "NBSWY3D"}
var typeNames = []string{"string", "int", "float64", "map[string]interface {}", "[]interface {}", "bool", "<nil>", "*semver.Version", "time.Time"}
var kindNames = []string{"string", "int", "float64", "map", "slice", "bool", "invalid", "ptr", "struct"}
var replacements = []string{"X", "$1", "${1}x", "$1x", "$$", "${first}-$last", "$", "${", "$0", "", "\\1"}
var verbs = []string{"%v", "%d", "%s", "%q", "%x", "%X", "%t", "%f", "%e", "%g", "%G", "%E", "%c", "%U", "%b", "%o", "%O", "%T", "%%", "%5d", "%-5d|", "%05d", "%+d",
	"% d", "%x", "% x", "%#x", "%#v", "%+v", "%.2f", "%8.3f", "%+.1e", "%6.2f%%", "%s %s", "%[2]v %[1]v", "%[3]d", "%*d", "%.*f", "%!", "%z", "%",
	"%#q", "%+q", "%#U", "%-10s|", "%10s|", "%.3s", "%08.3f", "%x %X", "%#o", "%t %v", "%[1]T", "%[x]d", "%6.3v", "%+v %#v", "%.0f", "% 5d", "%010s", "%-05d"}

func (g *generator) quote(text string) string {
	if g.chance(10) && !strings.ContainsAny(text, "`\r") {
		return "`" + text + "`"
	}
	return strconv.Quote(text)
}

func (g *generator) integer() string {
	if g.chance(70) {
		return strconv.Itoa(g.Intn(25) - 4)
	}
	return pick(g, []string{"0", "1", "255", "-1", "1000000", "9223372036854775807", "-9223372036854775808", "0x1f", "0b101", "0o17", "017", "'a'", "'\\n'", "'é'",
		"1_000", "4294967296", "18446744073709551615", "'\\u00e9'", "0x7fffffffffffffff"})
}

func (g *generator) floating() string {
	if g.chance(2) {
		return pick(g, []string{"1i", "1e400", "0x1p-2000", "1.5i"})
	}
	return pick(g, []string{"1.5", "-0.25", "3.0", "1e3", "1e21", "1e-7", "123456789.125", "0.1", "1e100", "-0.0", "0x1p4", "2.5", "0.000001", "1e20", "6.02e23",
		"3.999999999999999999", "100000000000000000000000.0"})
}

// --- Expressions ---

// An operand of that kind: a literal, a variable, a field, or a call in parentheses.
func (g *generator) operand(kind string) string {
	if g.chance(2) {
		kind = pick(g, []string{"string", "scalar", "list", "map", "any", "nil", "bool", "float"})
	}
	switch kind {
	case "string":
		switch g.Intn(10) {
		case 0, 1:
			return g.field()
		case 2, 3:
			if g.depth < 4 {
				return g.call(pick(g, []string{"upper", "lower", "trim", "title", "quote", "squote", "nospace", "print", "printf", "toString", "b64enc", "toJson",
					"snakecase", "camelcase", "kebabcase", "replace", "trunc", "join", "regexReplaceAll", "repeat", "substr", "sha256sum", "typeOf", "kindOf", "initials", "swapcase"}))
			}
		}
		return g.quote(pick(g, words))
	case "small":
		return strconv.Itoa(g.Intn(14) - 3)
	case "step":
		return strconv.Itoa(g.Intn(5) - 2)
	case "key":
		return g.quote(pick(g, keys))
	case "int":
		if g.depth < 4 && g.chance(25) {
			return g.call(pick(g, []string{"len", "add", "sub", "mul", "int", "int64", "add1", "max", "min", "atoi", "div", "mod", "floor"}))
		}
		return g.integer()
	case "float":
		return g.floating()
	case "bool":
		if g.depth < 4 && g.chance(40) {
			return g.call(pick(g, []string{"eq", "ne", "lt", "and", "or", "not", "empty", "hasKey", "contains", "hasPrefix", "has", "kindIs", "typeIs", "regexMatch", "semverCompare",
				"deepEqual", "all", "any", "isAbs"}))
		}
		return pick(g, []string{"true", "false"})
	case "scalar":
		switch g.Intn(9) {
		case 0, 1, 2:
			return g.operand("int")
		case 3, 4:
			return g.floating()
		case 5:
			return g.quote(pick(g, numbers))
		case 6:
			return pick(g, []string{"true", "false", "1", "nil"})
		case 7:
			return g.field()
		}
		return g.operand("string")
	case "list":
		switch {
		case g.chance(25):
			return pick(g, []string{".list", ".", ".nested.list", "$.list", ".strings", ".numbers", ".map"})
		case g.depth < 4 && g.chance(50):
			return g.call(pick(g, []string{"list", "list", "splitList", "until", "seq", "untilStep", "toStrings", "sortAlpha", "reverse", "append", "concat", "uniq", "rest", "chunk",
				"regexFindAll", "fromJson", "pluck", "without", "compact", "initial", "slice", "tuple", "regexSplit"}))
		}
		return "(list " + g.operand("any") + " " + g.operand("any") + ")"
	case "map":
		switch {
		case g.chance(35):
			return pick(g, []string{".map", ".", ".nested", "$", ".nested.map"})
		case g.depth < 4 && g.chance(40):
			return g.call(pick(g, []string{"dict", "dict", "merge", "pick", "omit", "set", "unset", "urlParse", "fromJson", "split", "splitn", "deepCopy", "mergeOverwrite"}))
		}
		return fmt.Sprintf("(dict %s %s)", g.operand("key"), g.operand("any"))
	case "regex":
		return g.quote(pick(g, regexes))
	case "replacement":
		return g.quote(pick(g, replacements))
	case "layout":
		return g.quote(pick(g, layouts))
	case "timetext":
		return g.quote(pick(g, timeTexts))
	case "timevalue":
		return fmt.Sprintf("(toDate %q %q)", "2006-01-02T15:04:05Z07:00", pick(g, []string{"2024-02-29T12:34:56Z", "1999-12-31T23:59:59+02:00", "0001-01-01T00:00:00Z", "2038-01-19T03:14:08Z"}))
	case "time":
		if g.chance(40) {
			return "(int64 " + pick(g, []string{"0", "1700000000", "-1", "951782400"}) + ")"
		}
		return g.operand("timevalue")
	case "zone":
		return g.quote(pick(g, zones))
	case "duration":
		return g.quote(pick(g, durations))
	case "durationvalue":
		return pick(g, []string{`"2h10m5s"`, `"400h"`, `"x"`, "(int64 100000000)", `"9000h"`, `""`, `"45s"`, "(int64 3600000000000)"})
	case "seconds":
		return pick(g, []string{"95", `"3600"`, `"x"`, "0", "-5", "(int64 86400)", "1.5"})
	case "version":
		return g.quote(pick(g, versions))
	case "constraint":
		return g.quote(pick(g, constraints))
	case "url":
		return g.quote(pick(g, urls))
	case "urlmap":
		if g.chance(50) {
			return "(urlParse " + g.quote(pick(g, urls)) + ")"
		}
		return fmt.Sprintf(`(dict "scheme" "https" "host" %s "path" %s "query" %s)`, g.quote(pick(g, words)), g.quote(pick(g, paths)), g.quote(pick(g, words)))
	case "path":
		return g.quote(pick(g, paths))
	case "number":
		return g.quote(pick(g, numbers))
	case "json":
		return g.quote(pick(g, jsons))
	case "base64":
		return g.quote(pick(g, base64s))
	case "base32":
		return g.quote(pick(g, base32s))
	case "typename":
		return g.quote(pick(g, typeNames))
	case "kindname":
		return g.quote(pick(g, kindNames))
	case "nil":
		return "nil"
	}
	switch g.Intn(14) { // any
	case 0:
		return g.operand("list")
	case 1:
		return g.operand("map")
	case 2:
		return g.operand("bool")
	case 3:
		return pick(g, []string{".missing", ".nested.missing", ".null", ".map.missing", ".missing", "nil"})
	case 4, 5:
		return g.operand("scalar")
	case 6:
		if len(g.vars) > 0 {
			return pick(g, g.vars) + pick(g, []string{"", "", "", ".a", ".name"})
		}
	case 7:
		if g.depth < 4 {
			return g.call(pick(g, funcNames))
		}
	case 8:
		return g.operand("timevalue")
	case 9:
		return `(semver ` + g.operand("version") + ")" + pick(g, []string{"", ".Major", ".Original", ".Prerelease", ".String", ".Metadata"})
	case 10:
		return g.field()
	}
	return g.operand("string")
}

func (g *generator) field() string {
	return pick(g, []string{".", ".name", ".num", ".list", ".map", ".nested.map.a", ".map.a", ".null", ".missing", ".nested.x", "$.name", "$", ".big", ".float", ".flag",
		".empty", ".map.name", ".strings", ".numbers", ".nested.list", "(index .list 0)", "(.map).a"})
}

var kindOfParam = map[string]string{"string": "string", "int": "small", "int64": "int", "float64": "float", "bool": "bool", "[]interface {}": "list",
	"map[string]interface {}": "map", "interface {}": "any", "[]string": "list", "time.Time": "timevalue", "time.Duration": "int", "[]byte": "string", "uint32": "small"}

// The kinds of arguments of a function.
func (g *generator) arguments(name string) []string {
	if name == "printf" {
		return append([]string{"format"}, []string{"any", "any", "any"}[:g.Intn(4)]...)
	}
	kinds, isHinted := hints[name]
	if builtin, ok := builtins[name]; ok && !(name == "slice" && g.chance(60)) {
		kinds, isHinted = builtin, true
	}
	if !isHinted {
		function := funcTypes[name]
		for i := 0; i < function.NumIn(); i++ {
			param := function.In(i)
			if function.IsVariadic() && i == function.NumIn()-1 {
				for extra := g.Intn(3); extra > 0; extra-- {
					kinds = append(kinds, kindOfParam[param.Elem().String()])
				}
				break
			}
			kinds = append(kinds, kindOfParam[param.String()])
		}
	}
	kinds = append([]string(nil), kinds...)
	switch g.Intn(70) { // too few and too many
	case 0:
		if len(kinds) > 0 {
			kinds = kinds[:len(kinds)-1]
		}
	case 1:
		kinds = append(kinds, "any")
	}
	return kinds
}

func (g *generator) callBare(name string) string {
	g.depth++
	defer func() { g.depth-- }()
	kinds := g.arguments(name)
	text := name
	for i, kind := range kinds {
		if kind == "format" {
			text += " " + g.quote(pick(g, verbs)+pick(g, []string{"", "", " " + pick(g, verbs)}))
		} else if i == len(kinds)-1 && g.depth == 1 && g.chance(20) {
			return g.operand(kind) + " | " + text // the last argument by a pipe
		} else {
			text += " " + g.operand(kind)
		}
	}
	return text
}

func (g *generator) call(name string) string { return "(" + g.callBare(name) + ")" }

func (g *generator) pipeline() string {
	var text string
	switch g.Intn(6) {
	case 0:
		text = g.field()
	case 1:
		text = g.operand("any")
	default:
		text = g.callBare(pick(g, funcNames))
	}
	for g.chance(25) {
		text += " | " + pick(g, []string{"quote", "upper", "toJson", "len", "default \"d\"", "printf \"%v\"", "printf \"%T\"", "toString", "trim", "first", "int", "print", "not", "kindOf",
			"typeOf", "html", "js", "urlquery", "b64enc", "list", "indent 2", "toPrettyJson", "toRawJson", "empty", "squote", "join \",\"", "sortAlpha", "trunc 5", "index 0", "eq 1", "fromJson",
			"cat \"x\"", "nindent 2", "deepCopy", "get \"a\"", "printf \"%#v\""})
	}
	return text
}

// --- Statements ---

func (g *generator) action(inside string) string {
	left, right := "{%", "%}"
	if g.chance(12) {
		left = "{%-"
	}
	if g.chance(12) {
		right = "-%}"
	}
	return left + " " + inside + " " + right
}

func (g *generator) block(depth int) string {
	var out strings.Builder
	scope := len(g.vars)
	for n := 1 + g.Intn(3); n > 0; n-- {
		out.WriteString(g.statement(depth))
	}
	g.vars = g.vars[:scope]
	return out.String()
}

func (g *generator) statement(depth int) string {
	choice := g.Intn(19)
	if g.chance(1) {
		choice = 19
	}
	if depth <= 0 {
		choice = g.Intn(9)
	}
	switch choice {
	case 0:
		return pick(g, []string{"text ", "\n", " ", "é", "}", "{", "  x\n  y", "%", "%}"})
	case 1:
		name := pick(g, []string{"$a", "$b", "$x"})
		text := g.action(name + " := " + g.pipeline())
		g.vars = append(g.vars, name)
		return text
	case 2:
		if len(g.vars) > 0 {
			name := pick(g, g.vars)
			return g.action(name+" = "+g.pipeline()) + g.action(name)
		}
	case 3:
		if g.chance(5) {
			return g.action("/* a comment with blanks around is an error in Go */")
		}
	case 4:
		return "{%/* c */%}"
	case 9, 10, 11:
		text := g.action("if "+g.pipeline()) + g.block(depth-1)
		for g.chance(25) {
			text += g.action("else if "+g.pipeline()) + g.block(depth-1)
		}
		if g.chance(50) {
			text += g.action("else") + g.block(depth-1)
		}
		return text + g.action("end")
	case 12, 13:
		declaration := ""
		scope := len(g.vars)
		if g.chance(30) {
			declaration = "$w := "
		}
		text := g.action("with " + declaration + g.pipeline())
		if declaration != "" {
			g.vars = append(g.vars, "$w")
		}
		text += g.block(depth - 1)
		g.vars = g.vars[:scope]
		if g.chance(20) {
			text += g.action("else with "+g.pipeline()) + g.block(depth-1)
		}
		if g.chance(30) {
			text += g.action("else") + g.block(depth-1)
		}
		return text + g.action("end")
	case 14, 15, 16:
		declaration := pick(g, []string{"", "", "$i, $e := ", "$e := "})
		if g.has("$i") && g.has("$e") && g.chance(20) {
			declaration = "$i, $e = "
		}
		over := g.operand(pick(g, []string{"list", "list", "map", "small", "any"}))
		text := g.action("range " + declaration + over)
		scope := len(g.vars)
		if strings.HasPrefix(declaration, "$i") {
			g.vars = append(g.vars, "$i", "$e")
		} else if declaration != "" {
			g.vars = append(g.vars, "$e")
		}
		g.loops++
		text += g.block(depth - 1)
		if g.chance(25) {
			text += g.action("if "+g.pipeline()) + g.action(pick(g, []string{"break", "continue"})) + g.action("end")
		}
		g.loops--
		g.vars = g.vars[:scope]
		if g.chance(30) {
			text += g.action("else") + g.block(depth-1)
		}
		return text + g.action("end")
	case 17:
		if len(g.defined) > 0 {
			return g.action("template " + g.quote(pick(g, append(g.defined, "nosuch"))) + pick(g, []string{"", " .", " " + g.pipeline()}))
		}
	case 18:
		outside := g.vars
		g.vars = nil
		text := g.action("block "+g.quote(pick(g, []string{"three", "four", "five"}))+" "+g.pipeline()) + g.block(depth-1) + g.action("end")
		g.vars = outside
		return text
	case 19:
		return g.action(pick(g, []string{"break", "continue", "end", "else", "nosuch 1", ".a.b.c 1", "1 | 2", "$undefined", "(1)", ".", "nil", "\"a\" \"b\"", "and", "break x"}))
	}
	return g.action(g.pipeline())
}

func (g *generator) template() string {
	var out strings.Builder
	for _, name := range []string{"one", "two"} {
		if g.chance(15) {
			out.WriteString(g.action("define "+strconv.Quote(name)) + g.block(1) + g.action("end"))
			g.defined = append(g.defined, name)
			g.vars = nil
		}
	}
	if g.chance(60) {
		return out.String() + g.action(g.pipeline())
	}
	for n := 1 + g.Intn(4); n > 0; n-- {
		out.WriteString(g.statement(3))
	}
	return out.String()
}

// --- Mutation: templates that do not parse, most of them ---

var tokens = regexp.MustCompile(`\{%-?|-?%\}|"(?:[^"\\]|\\.)*"|\$?\.?\w+|\s+|.`)

func (g *generator) mutate(text string) string {
	parts := tokens.FindAllString(text, -1)
	for n := 1 + g.Intn(2); n > 0 && len(parts) > 0; n-- {
		at := g.Intn(len(parts))
		switch g.Intn(4) {
		case 0:
			parts = append(parts[:at:at], parts[at+1:]...)
		case 1:
			parts = append(parts[:at:at], append([]string{parts[at]}, parts[at:]...)...)
		case 2:
			other := g.Intn(len(parts))
			parts[at], parts[other] = parts[other], parts[at]
		case 3:
			noise := pick(g, []string{"(", ")", "|", ",", ":=", "=", "\"", "'", "`", "{%", "%}", "-", "$", ".", "end", "else", "if", "range", "0x", "1e", "\\", "\n", "/*", "*/", "nil", "..", "@", "true", "define", "[", "é",
				"template", "with", "break", "'ab'", "1a", ".1", "+1", "0b2", "%", "-%}", "{%-"})
			parts = append(parts[:at:at], append([]string{noise}, parts[at:]...)...)
		}
	}
	return strings.Join(parts, "")
}

// --- Data ---

func (g *generator) value(depth int) any {
	switch g.Intn(9) {
	case 0, 1:
		return pick(g, words)
	case 2:
		return float64(g.Intn(200) - 50)
	case 3:
		return pick(g, []any{1.5, -0.25, 1e21, 1e-9, 123456789012.5, 0.0, 1e6, 12345678.0, 1e20})
	case 4:
		return g.chance(50)
	case 5:
		return nil
	}
	if depth <= 0 {
		return pick(g, words)
	}
	if g.chance(50) {
		list := make([]any, g.Intn(4))
		for i := range list {
			list[i] = g.value(depth - 1)
		}
		return list
	}
	made := map[string]any{}
	for n := g.Intn(4); n > 0; n-- {
		made[pick(g, keys)] = g.value(depth - 1)
	}
	return made
}

func (g *generator) data() any {
	if g.chance(8) {
		return g.value(2)
	}
	return map[string]any{
		"name": pick(g, words), "num": float64(g.Intn(100)), "big": 1e15, "float": 2.75, "flag": g.chance(50), "null": nil, "empty": "",
		"list": []any{g.value(1), g.value(1), "z"}, "strings": []any{"b", "a", "c", "a"}, "numbers": []any{3.0, 1.0, 2.5},
		"map":    map[string]any{"a": g.value(1), "b": g.value(1), "name": "m"},
		"nested": map[string]any{"map": map[string]any{"a": g.value(1)}, "list": []any{g.value(1)}, "x": g.value(0)},
	}
}

func (g *generator) testCase() testCase {
	c := testCase{Template: g.template(), Data: g.data()}
	if g.chance(15) {
		c.Template = g.mutate(c.Template)
	}
	if g.chance(20) {
		c.MissingKey = pick(g, []string{"default", "zero", "error", "invalid"})
	}
	if g.chance(10) {
		c.Name = pick(g, []string{"main", "a b", "é", "x/y.tpl"})
	}
	return c
}
