package mysql

import (
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
)

// What a text leaves to its session is told beside it: it is a part of what people
// approve.
func TestLeftToTheSession(t *testing.T) {
	s, name := database(t, driverSchema)
	c := dial(t, endpoint(s, name))
	for _, x := range []struct{ text, within, unsaid string }{
		{"select id from customers where id = 1", "", ""},
		{"set @x = 5", "", ""},
		{"update counters set n = n where id = @x", "", "the variable @x"},
		{"update counters set n = n where id = (select max(id) from counters where id < @`a b`)", "", "the variable @a b"},
		{"update counters set n = n where id = @@server_id", "", ""},
		{"use information_schema", "", ""},
		{"select 1", "information_schema", ""},
		{"use `" + name + "`", "information_schema", ""},
		{"select 1", "", ""},
	} {
		asked := false
		g := &connectortest.Guard{Judge: func(op connectors.Operation) error {
			asked = true
			if op.Within != x.within || op.Unsaid != x.unsaid {
				t.Errorf("%s: within %q, unsaid %q", x.text, op.Within, op.Unsaid)
			}
			return nil
		}}
		if _, err := answer(t.Context(), c, g, x.text); err != nil || !asked {
			t.Errorf("%s: %v", x.text, err)
		}
	}
}
