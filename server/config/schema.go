package config

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"

	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// descriptions are the comments of the fields, which are the manual, by Type.key.
// A test writes and compares them.
//
//go:embed descriptions.json
var descriptions []byte

// schemaRoots are the two sorts of files.
var schemaRoots = map[string]reflect.Type{"config": reflect.TypeFor[Config](), "included": reflect.TypeFor[Included](), "listed": reflect.TypeFor[Listed]()}

// required are the keys without which a file does not pass, by type.
var required = map[string][]string{
	"Config":    {"data", "sign_in"},
	"SignIn":    {"issuer", "client_id"},
	"Resource":  {"name", "kind"},
	"Role":      {"name", "resources"},
	"Rule":      {"name"},
	"Mask":      {"name", "resources"},
	"Pattern":   {"name", "match"},
	"Inventory": {"path"},
	"Command":   {"program", "class"},
	"Parameter": {"name"},
	"Vault":     {"address", "role", "token"},
	"Retain":    {"name", "resources", "keep"},
	"Webhook":   {"url"},
	"Request":   {"name", "path"},
}

// choices are the fields that take one of a few words, by Type.key.
func choices() map[string][]string {
	v := (&Config{}).vocabulary()
	known := make([]string, 0, len(v.Kinds))
	for k := range v.Kinds {
		known = append(known, k)
	}
	return map[string][]string{
		"Resource.kind":    kinds(),
		"Resource.tls":     mssqlTLS,
		"Parameter.type":   parameterTypes,
		"Command.class":    {"read", "write", "ddl", "privilege", "dangerous"},
		"HTTP.auth":        auths,
		"Selector.kinds":   sortedWords(known),
		"Rule.allow":       policy.Words(),
		"Rule.deny":        policy.Words(),
		"Rule.approve":     policy.Words(),
		"Rule.files":       policy.FileOperations(),
		"Rule.results":     {"full", "digest"},
		"Role.results":     {"full", "digest"},
		"Role.transcripts": {"own", "all"},
		"Mask.method":      policy.Methods(),
		"Mask.predicates":  policy.Predicates(),
	}
}

// spans are the texts of policies that are durations, by Type.key.
var spans = map[string]bool{
	"Rule.wait": true, "Rule.lasts": true, "Bounds.statement": true, "Bounds.session": true, "Bounds.idle": true, "Mask.within": true,
}

// spanPattern is what time.ParseDuration reads, without a sign.
const spanPattern = `^(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h))*)$`

// durationPattern is what Duration reads: days besides.
const durationPattern = spanPattern + `|^[0-9]{1,5}d$`

// Schema is the JSON Schema (2020-12) of the configuration, for editors: made from
// the types that it is read into. Its $defs hold "Included", for included files.
// What passes Load passes it; the reverse does not hold, since a schema knows
// nothing of other lines.
func Schema() ([]byte, error) {
	s := schemer{defs: map[string]any{}, choices: choices()}
	if err := json.Unmarshal(descriptions, &s.texts); err != nil {
		return nil, fmt.Errorf("read descriptions: %w", err)
	}
	for _, t := range schemaRoots {
		s.object(t)
	}
	return json.MarshalIndent(map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   "Sallyport configuration",
		"$ref":    "#/$defs/Config",
		"$defs":   s.defs,
	}, "", "  ")
}

// schemer makes a schema.
type schemer struct {
	defs    map[string]any
	texts   map[string]string
	choices map[string][]string
}

type schema = map[string]any

// object defines a struct once and refers to it.
func (s *schemer) object(t reflect.Type) schema {
	ref := schema{"$ref": "#/$defs/" + t.Name()}
	if _, done := s.defs[t.Name()]; done {
		return ref
	}
	properties := schema{}
	def := schema{"type": "object", "additionalProperties": false, "properties": properties}
	s.defs[t.Name()] = def
	for key, i := range fieldsOf(t) {
		name := t.Name() + "." + key
		p := s.value(t.Field(i).Type, name)
		p["description"] = s.texts[name]
		properties[key] = p
	}
	if keys := required[t.Name()]; keys != nil {
		def["required"] = keys
	}
	switch t {
	case reflect.TypeFor[Ref]():
		def["minProperties"], def["maxProperties"] = 1, 1
	case reflect.TypeFor[policy.Rule]():
		def["oneOf"] = []schema{{"required": []string{"allow"}}, {"required": []string{"deny"}}, {"required": []string{"approve"}}}
	case reflect.TypeFor[Audit]():
		def["oneOf"] = []schema{{"required": []string{"file"}}, {"required": []string{"syslog"}}, {"required": []string{"webhook"}}}
	case reflect.TypeFor[Certificate]():
		def["oneOf"] = []schema{{"required": []string{"authority"}}, {"required": []string{"vault"}}}
	case reflect.TypeFor[policy.Selector]():
		def["minProperties"] = 1
	}
	return ref
}

// value is the schema of a field of this type and name. Lists, maps and sections
// may be left empty, as the decoder has it.
func (s *schemer) value(t reflect.Type, name string) schema {
	if t == reflect.TypeFor[Duration]() {
		return schema{"type": []string{"string", "integer"}, "pattern": durationPattern, "maximum": 0, "minimum": 0}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.value(t.Elem(), name)
	case reflect.Struct:
		if name == "Inventory.template" {
			return schema{"oneOf": []schema{s.template(), {"type": "null"}}}
		}
		return schema{"oneOf": []schema{s.object(t), {"type": "null"}}}
	case reflect.Slice:
		if name == "Listed.resources" {
			return schema{"type": []string{"array", "null"}, "items": schema{"oneOf": []schema{s.template(), {"type": "null"}}}}
		}
		return schema{"type": []string{"array", "null"}, "items": s.value(t.Elem(), name)}
	case reflect.Map:
		return schema{"type": []string{"object", "null"}, "additionalProperties": s.value(t.Elem(), "")}
	case reflect.Bool:
		return schema{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return schema{"type": "integer"}
	}
	return s.text(name)
}

// template is a resource that need not say all: an inventory's template and its
// entries make it up.
func (s *schemer) template() schema {
	s.object(reflect.TypeFor[Resource]())
	def := maps.Clone(s.defs["Resource"].(schema))
	delete(def, "required")
	s.defs["Template"] = def
	return schema{"$ref": "#/$defs/Template"}
}

// text is the schema of a text. Numbers and booleans that are written as people
// write them are texts, too.
func (s *schemer) text(name string) schema {
	if words := s.choices[name]; words != nil {
		return schema{"enum": words}
	}
	if name == "Mask.detect" { // the words that there are, for editors to offer, or a pattern's name
		var words []string
		for _, d := range mask.Detectors() {
			words = append(words, d.Name)
		}
		return schema{"anyOf": []schema{{"enum": sortedWords(words)}, {"type": []string{"string", "integer"}, "pattern": "^[a-z0-9_]+$"}}}
	}
	if spans[name] {
		return schema{"type": []string{"string", "integer"}, "pattern": spanPattern, "maximum": 0, "minimum": 0}
	}
	return schema{"type": []string{"string", "integer", "boolean"}}
}
