// Command suitetable answers: which kind keeps which promise?
//
// It reads runs of connectortest from the stream of `go test -json` on its input and
// prints the table kind × property: ✓ where every power of the kind was proved to
// have it, with the number of a footnote where the kind names a power that cannot, –
// where it names all. It fails, and says why, for a test that failed or was skipped,
// a property that was neither proved nor named, a kind without a run, and a table
// that is another than the one in the file that it is given, which -update writes.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/sallyport/sallyport/connectors/all"
)

func main() {
	update := flag.Bool("update", false, "write the table to the file")
	flag.Parse()
	drivers := all.Drivers(all.Options{})
	var kinds []string
	for _, d := range drivers {
		kinds = append(kinds, d.Kind())
	}
	table, err := run(os.Stdin, os.Stdout, os.Stderr, kinds)
	if err == nil && flag.NArg() == 1 {
		err = compare(table, flag.Arg(0), *update)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// run makes the table. Its error says that the table has a hole.
func run(in io.Reader, out, talk io.Writer, kinds []string) (table string, err error) {
	r, err := read(in, talk)
	if err != nil {
		return "", err
	}
	t := newTable(r, kinds)
	table = t.String()
	if _, err := io.WriteString(out, table); err != nil {
		return "", fmt.Errorf("write the table: %w", err)
	}
	for _, w := range t.wrong {
		fmt.Fprintln(talk, w)
	}
	if n := len(t.wrong); n > 0 {
		return "", fmt.Errorf("%d things are wrong", n)
	}
	return table, nil
}

// compare compares a table with the one that is kept, or keeps it.
func compare(table, file string, update bool) error {
	if update {
		return os.WriteFile(file, []byte(table), 0o666)
	}
	kept, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read the table that is kept: %w", err)
	}
	if string(kept) != table {
		return fmt.Errorf("the table in %s is another; `make suite ARGS=-update` writes it anew", file)
	}
	return nil
}
