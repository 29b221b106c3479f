package sqlite

import (
	"testing"

	"github.com/sallyport/sallyport/connectors"
)

// BenchmarkJudge is what a statement costs before it runs: the schema, the
// engine's judgement, the parse and the lineage.
func BenchmarkJudge(b *testing.B) {
	w := newTwins(b)
	c := openTest(b, newTwinFile(b, w.a))
	for name, text := range map[string]string{
		"key":   "select id, tier, email from customers where id = 3",
		"join":  "with t as (select c.id, upper(c.email) as e, o.total from customers c join orders o on o.customer_id = c.id) select t.id, t.e, v.label from t join v_contact v on v.id = t.id where t.total > 30 order by t.id",
		"write": "update customers set tier = 'gold' where id = 5 returning id",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				t, err := c.Trace(b.Context(), connectors.Statement{Text: text})
				if err != nil || !t.Understood() {
					b.Fatal(t, err)
				}
			}
		})
	}
}
