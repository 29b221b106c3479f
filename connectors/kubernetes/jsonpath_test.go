package kubernetes

import (
	"strings"
	"testing"
)

// A union names the same thing again and again, and a union of each of those does:
// some hundred bytes of a template made more results than there is memory for.
func TestTemplatesThatMultiply(t *testing.T) {
	many := "['a'" + strings.Repeat(",'a'", 19) + "]"
	for _, template := range []string{
		"{" + strings.Repeat(many, 8) + "}",
		"{.items" + strings.Repeat("[0,0]", 30) + "}",
		"{range " + strings.Repeat("[*,*]", 20) + "}x{end}",
		strings.Repeat("{range .items[0,0]}", 20) + "x" + strings.Repeat("{end}", 20),
		"{.items[?(@" + strings.Repeat("[0,0]", 30) + "=='x')]}",
		"{range .items[*]}" + strings.Repeat("{.a}", 1000) + "{end}",
		"{." + many + "}{" + strings.Repeat("['a','b']", 12) + "}",
	} {
		if _, err := formOf("jsonpath=" + template); err == nil {
			t.Errorf("%.80s is taken", template)
		}
	}
	for _, template := range []string{
		"{.items[*].metadata.name}", `{range .items[*]}{.metadata.name}{"\t"}{range .spec.containers[*]}{.image}{", "}{end}{"\n"}{end}`, "{.items[*]['metadata.name', 'status.phase']}",
		"{.items[?(@.metadata.name==\"a,b\")].status.capacity}", "{.metadata['name','namespace','uid']} {.spec['a','b']}",
	} {
		if _, err := formOf("jsonpath=" + template); err != nil {
			t.Errorf("%s: %v", template, err)
		}
	}
}
