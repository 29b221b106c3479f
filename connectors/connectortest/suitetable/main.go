// Command suitetable answers: which kind keeps which promise?
//
// It reads runs of connectortest from the stream of `go test -json` on its input and
// prints the table kind × property: ✓ where every power of the kind was proved to
// have it, with the number of a footnote where the kind names a power that cannot, –
// where it names all. It fails, and says why, for a test that failed or was skipped,
// a property that was neither proved nor named, and a kind without a run.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/sallyport/sallyport/connectors/all"
)

func main() {
	drivers := all.Drivers(all.Options{})
	var kinds []string
	for _, d := range drivers {
		kinds = append(kinds, d.Kind())
	}
	if err := run(os.Stdin, os.Stdout, os.Stderr, kinds); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// run makes the table. Its error says that the table has a hole.
func run(in io.Reader, out, talk io.Writer, kinds []string) error {
	r, err := read(in, talk)
	if err != nil {
		return err
	}
	t := newTable(r, kinds)
	if _, err := io.WriteString(out, t.String()); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	for _, w := range t.wrong {
		fmt.Fprintln(talk, w)
	}
	if n := len(t.wrong); n > 0 {
		return fmt.Errorf("%d things are wrong", n)
	}
	return nil
}
