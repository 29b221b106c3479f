package postgres

import "testing"

// A comment is white space, also between two words that are read as one.
func TestCommentsBetween(t *testing.T) {
	for text, want := range map[string]string{
		"select 1 where 1 not /* x */ in (2)": "read", "select 1 where 'a' not -- x\n like 'b'": "read", "select 1 order by 1 nulls /* /* x */ */ first": "read", "select U&'d!0061t' /**/ uescape '!'": "read",
		"select * from generate_series(1, 2) with /**/ ordinality": "read", "delete from t where id not/**/between 1 and 2": "write!", "delete from t where id = 1 and a not /* or true */ in (1)": "write",
		"select U&\"pg!005fread_file\" /**/ uescape '!' ('x')": "dangerous", "select '/* x' where 1 not /* ' */ in (2)": "read", "select 1 not /* x in (2)": "unknown", "select 1 /* x */ from": "unknown",
		"select pg_read_file('x') where 1 not -- x\n in (2)": "dangerous", "do $$ begin end $$ /* x": "unknown",
	} {
		got, err := testDriver().Classify(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		class := got.Class.String()
		if got.Destructive {
			class += "!"
		}
		if class != want {
			t.Errorf("%q: %s (%s), want %s", text, class, got.Why, want)
		}
	}
}
