package redis

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors/connectortest"
)

// TestLongNames: the key of a map is kept while all that is in it comes, and shows at each
// value in it, so a target may not make it as long as a value.
func TestLongNames(t *testing.T) {
	long := strings.Repeat("k", 1<<20)
	nested := strings.Repeat(fmt.Sprintf("%%1\r\n$%d\r\n%s\r\n", len(long), long), 20) + ":1\r\n"
	_, e := pretend(t, but(map[string]string{"RANDOMKEY": nested}))
	rows, _, err := ask(t, open(t, New(), e, &connectortest.Guard{}), &connectortest.Guard{}, "RANDOMKEY")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(fmt.Sprint(rows)); n > 1<<20 {
		t.Errorf("a row of %d bytes", n)
	}
}
