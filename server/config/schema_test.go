package config

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sallyport/sallyport/policy"
)

var update = flag.Bool("update", false, "write descriptions.json anew")

// The comments of the fields are the manual: each has one, and the schema says
// what it says. After a change: go test ./server/config -run Descriptions -update
func TestDescriptions(t *testing.T) {
	got := map[string]string{}
	for _, file := range []string{"config.go", "recording.go", "audit.go", "hosts.go", "command.go", "inventory.go", "http.go", "../../policy/policy.go"} {
		comments(t, file, got)
	}
	for _, typ := range described() {
		for key, i := range fieldsOf(typ) {
			if got[typ.Name()+"."+key] == "" {
				t.Errorf("%s.%s has no comment", typ, typ.Field(i).Name)
			}
		}
	}
	b, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("descriptions.json", append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	var have map[string]string
	if err := json.Unmarshal(descriptions, &have); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(got, have); d != "" {
		t.Errorf("descriptions.json is not what the comments say (-comments +file); run this with -update:\n%s", d)
	}
}

// described are the types of the configuration.
func described() []reflect.Type {
	return []reflect.Type{reflect.TypeFor[Config](), reflect.TypeFor[Included](), reflect.TypeFor[SignIn](), reflect.TypeFor[Limits](), reflect.TypeFor[Resource](),
		reflect.TypeFor[Recording](), reflect.TypeFor[Retain](), reflect.TypeFor[Audit](), reflect.TypeFor[Webhook](),
		reflect.TypeFor[Ref](), reflect.TypeFor[HTTP](), reflect.TypeFor[Request](), reflect.TypeFor[Certificate](), reflect.TypeFor[Command](), reflect.TypeFor[Parameter](), reflect.TypeFor[ProcessBounds](), reflect.TypeFor[Inventory](), reflect.TypeFor[Listed](), reflect.TypeFor[Pattern](), reflect.TypeFor[policy.Role](), reflect.TypeFor[policy.Rule](), reflect.TypeFor[policy.Bounds](),
		reflect.TypeFor[policy.Selector](), reflect.TypeFor[policy.Mask]()}
}

// comments reads the comments of a file's fields, by Type.key.
func comments(t *testing.T, file string, into map[string]string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		if s, ok := spec.Type.(*ast.StructType); ok {
			for _, field := range s.Fields.List {
				if field.Tag == nil {
					continue
				}
				key := reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("yaml")
				if text := strings.Join(strings.Fields(field.Doc.Text()), " "); key != "-" && text != "" {
					into[spec.Name.Name+"."+key] = text
				}
			}
		}
		return false
	})
}

// compiled is the schema, ready to validate with; at is "Config" or "Included".
func compiled(t *testing.T, at string) *jsonschema.Schema {
	t.Helper()
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("sallyport.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("sallyport.json#/$defs/" + at)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// valid validates a YAML text as an editor would.
func valid(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	j, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(j))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

// What can be loaded passes the schema.
func TestSchemaPasses(t *testing.T) {
	s := compiled(t, "Config")
	example, err := os.ReadFile("testdata/sallyport.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"example": string(example), "template": Template(), "small": small, "empty section": small + "limits:\nroles:\n",
		"zero": small + "limits: {rows: 0}\n", "labels": strings.Replace(small, "kind:", "labels: {tier: 1, on: true}, kind:", 1),
		"remember": strings.Replace(small, "client_id", "remember_key: 0, client_id", 1)} {
		if err := valid(t, s, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	more, err := os.ReadFile("testdata/more/support.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := valid(t, compiled(t, "Included"), string(more)); err != nil {
		t.Error(err)
	}
}

// What an editor can know to be wrong, it is told.
func TestSchemaRefuses(t *testing.T) {
	s := compiled(t, "Config")
	role := func(rule string) string {
		return small + "roles: [{name: r, groups: [g], resources: {names: [db]}, rules: [" + rule + "]}]\n"
	}
	if err := valid(t, s, role("{name: a, allow: [read]}")); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"unknown key": small + "nmae: x\n", "no data": strings.Replace(small, "data:", "name:", 1), "kind": strings.Replace(small, "sqlite", "sqlit", 1),
		"word": role("{name: a, allow: [raed]}"), "two effects": role("{name: a, allow: [read], deny: [write]}"), "no effect": role("{name: a}"),
		"wait": role("{name: a, approve: [read], by: [x], wait: soon}"), "need": role("{name: a, approve: [read], by: [x], need: two}"),
		"limit": role("{name: a, allow: [read], limits: {row: 5}}"), "results": role("{name: a, allow: [read], results: some}"),
		"method":    small + "masks: [{name: m, resources: {names: [db]}, columns: [a.b], method: hide}]\n",
		"detector":  small + "masks: [{name: m, resources: {names: [db]}, detect: [e-mail]}]\n",
		"predicate": small + "masks: [{name: m, resources: {names: [db]}, columns: [a.b], predicates: some}]\n",
		"selector":  small + "masks: [{name: m, resources: {}, columns: [a.b]}]\n", "duration": small + "limits: {idle: 5 minutes}\n",
		"two references": strings.Replace(small, "kind: sqlite", "kind: postgres, password: {env: A, file: b}", 1),
	} {
		if valid(t, s, text) == nil {
			t.Errorf("%s passes", name)
		}
	}
}
