package grants

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// run sends one step and keeps all that comes.
func (l *login) run(t testing.TB, text string, params [][]byte, format int16) {
	note := func(err error) {
		var pe *pgconn.PgError
		if errors.As(err, &pe) {
			fmt.Fprintf(l.out, "ERROR %s %s %s %s %s\n", pe.Code, pe.Message, pe.Detail, pe.Hint, pe.Where)
		} else if err != nil {
			fmt.Fprintf(l.out, "ERROR %v\n", err)
		}
	}
	keep := func(r *pgconn.Result) {
		for _, f := range r.FieldDescriptions {
			fmt.Fprintf(l.out, "%s|", f.Name)
		}
		for _, row := range r.Rows {
			for _, v := range row {
				fmt.Fprintf(l.out, "%s|%x|", v, v)
			}
		}
		fmt.Fprintf(l.out, "TAG %s\n", r.CommandTag)
		note(r.Err)
	}
	switch {
	case params != nil || format != 0:
		keep(l.pg.ExecParams(t.Context(), text, params, nil, nil, []int16{format}).Read())
	case strings.HasPrefix(strings.ToLower(strings.TrimSpace(text)), "copy"):
		tag, err := l.pg.CopyTo(t.Context(), l.out, text)
		fmt.Fprintf(l.out, "TAG %s\n", tag)
		note(err)
	default:
		results, err := l.pg.Exec(t.Context(), text).ReadAll()
		for _, r := range results {
			keep(r)
		}
		note(err)
	}
}

// transcript runs a line on a new connection and returns all that came.
func transcript(t testing.TB, database, role string, l line) string {
	t.Helper()
	c := connect(t, database, role, rolePassword)
	// The grants alone are tested: the session may write what it can.
	c.run(t, "set default_transaction_read_only = off", nil, 0)
	c.out.Reset()
	steps := l.steps()
	for i, s := range steps {
		var params [][]byte
		format := int16(0)
		if strings.HasPrefix(l.Proto, "extended") && i == len(steps)-1 {
			params = [][]byte{}
			for _, p := range l.Params {
				params = append(params, fmt.Append(nil, p))
			}
			if l.Proto == "extended-binary" {
				format = 1
			}
		}
		c.run(t, s, params, format)
	}
	_ = c.pg.Close(t.Context())
	return c.out.String()
}

// TestCorpus: with the generated role alone, without any gate, nothing of the
// corpus of leaks comes back, by any channel.
func TestCorpus(t *testing.T) {
	a, b := database(t, string(corpusFile(t, "schema.sql"))), database(t, string(corpusFile(t, "schema_alt.sql")))
	role := newRole(t, a)
	plan := corpusPlan(t)
	_, l := makeRole(t, a, role, plan, Options{})
	makeRole(t, b, role, plan, Options{})
	r, err := Check(t.Context(), l, plan, role)
	if err != nil || !r.Closed {
		t.Fatalf("the role is not closed: %v, %+v", err, r.Open)
	}
	raw, refused := 0, 0
	for _, line := range corpusLines(t, "masking_public.sql.jsonl") {
		out := transcript(t, a, role, line)
		for _, leak := range line.Leaks {
			if strings.Contains(out, leak) {
				t.Errorf("%s %q: %q came back:\n%.500s", line.ID, line.SQL, leak, out)
			}
		}
		if line.Check == "noninterference" {
			if other := transcript(t, b, role, line); other != out {
				t.Errorf("%s %q: A and B differ:\n%.300s\n%.300s", line.ID, line.SQL, out, other)
			}
		}
		if strings.Contains(out, "permission denied") {
			refused++
		}
		if strings.Contains(string(superuserOutput(t, a, line)), strings.Join(line.Leaks[:min(1, len(line.Leaks))], "")) {
			raw++
		}
	}
	t.Logf("%d lines were refused; %d reveal to a superuser", refused, raw)
	if raw < 60 {
		t.Errorf("only %d lines reveal anything to a superuser: the test runs them wrongly", raw)
	}
	// What no mask hides is there.
	for _, text := range []string{"select id, tier, country from customers where id = 7", "select * from orders where id = 1", "select * from v_customer_public where id = 1"} {
		c := connect(t, a, role, rolePassword)
		c.run(t, text, nil, 0)
		if !strings.Contains(c.out.String(), "TAG SELECT 1") {
			t.Errorf("%q: %s", text, c.out)
		}
	}
}

// superuserOutput shows that a line of one reading step would reveal.
func superuserOutput(t testing.TB, database string, l line) []byte {
	steps := l.steps()
	if len(steps) != 1 || l.Proto != "simple" || l.Role == "superuser" {
		return nil
	}
	c := admin(t, database)
	c.run(t, "begin", nil, 0)
	c.run(t, steps[0], nil, 0)
	c.run(t, "rollback", nil, 0)
	_ = c.pg.Close(t.Context())
	return bytes.Clone(c.out.Bytes())
}
