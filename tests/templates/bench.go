package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"text/template"
)

// Prints what the benchmark templates of a folder cost here: name, nanoseconds, allocations and bytes per operation.
func bench(folder string) error {
	funcs := functions()
	for _, name := range []string{"value", "job", "range"} {
		raw, err := os.ReadFile(filepath.Join(folder, name+".json"))
		if err != nil {
			return err
		}
		var c testCase
		if err := json.Unmarshal(raw, &c); err != nil {
			return err
		}
		parse := func() *template.Template {
			return template.Must(template.New("").Delims("{%", "%}").Funcs(funcs).Parse(c.Template))
		}
		parsed := parse()
		report := func(what string, run func() error) {
			result := testing.Benchmark(func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := run(); err != nil {
						b.Fatal(err)
					}
				}
			})
			fmt.Printf("%s/%s %d %d %d\n", name, what, result.NsPerOp(), result.AllocsPerOp(), result.AllocedBytesPerOp())
		}
		report("parse+execute", func() error { return parse().Execute(io.Discard, c.Data) })
		report("execute", func() error { return parsed.Execute(io.Discard, c.Data) })
	}
	return nil
}
