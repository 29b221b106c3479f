package policy

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// noun is a type of the condition language: a view of one of our structs. Its
// fields are declared by hand, so that a typing error is found when a policy is
// loaded, and so that nothing is copied or reflected upon when it is asked.
type noun struct {
	typ    *types.Type
	fields map[string]field
	order  []string
}

// field is a field of a noun. get reports false where the value is not there:
// reading it is an error then, which decides as errors do, and has() is false.
type field struct {
	typ *types.Type
	get func(v any) (any, bool)
	// among are the only values that the text can have, if they are few.
	among []string
	// most bounds how many elements the field has, for the estimate of costs.
	most uint64
}

// object is a struct as a value of the condition language.
type object struct {
	noun *noun
	v    any // pointer to the struct
}

var errNoConversion = errors.New("no such conversion")

func (o object) ConvertToNative(reflect.Type) (any, error) { return nil, errNoConversion }
func (o object) ConvertToType(ref.Type) ref.Val            { return types.WrapErr(errNoConversion) }
func (o object) Equal(other ref.Val) ref.Val {
	return types.NewErr("a %s cannot be compared: compare its fields", o.noun.typ.TypeName())
}
func (o object) Type() ref.Type { return o.noun.typ }
func (o object) Value() any     { return o.v }

// Get and IsSet are for where the language does not know the type ahead.
func (o object) Get(index ref.Val) ref.Val {
	name, ok := index.(types.String)
	f, known := o.noun.fields[string(name)]
	if !ok || !known {
		return types.NewErr("no such field")
	}
	v, there := f.get(o.v)
	if !there {
		return types.NewErr("%s is not known", string(name))
	}
	return registry.NativeToValue(v)
}

func (o object) IsSet(index ref.Val) ref.Val {
	name, ok := index.(types.String)
	f, known := o.noun.fields[string(name)]
	if !ok || !known {
		return types.NewErr("no such field")
	}
	_, there := f.get(o.v)
	return types.Bool(there)
}

// is declares a field that is always there.
func is[T any](typ *types.Type, get func(*T) any) field {
	return field{typ: typ, get: func(v any) (any, bool) { return get(v.(*T)), true }}
}

// may declares a field that may not be there.
func may[T any](typ *types.Type, get func(*T) (any, bool)) field {
	return field{typ: typ, get: func(v any) (any, bool) { return get(v.(*T)) }}
}

// text declares a text that may not be there: the empty one is not.
func text[T any](get func(*T) string) field {
	return may(types.StringType, func(t *T) (any, bool) { s := get(t); return s, s != "" })
}

// moment declares a time that may not be there: the zero one is not.
func moment[T any](get func(*T) time.Time) field {
	return may(types.TimestampType, func(t *T) (any, bool) { m := get(t); return m, !m.IsZero() })
}

func (f field) of(among ...string) field { f.among = among; return f }
func (f field) upTo(n uint64) field      { f.most = n; return f }
func list(t *types.Type) *types.Type     { return types.NewListType(t) }
func newNoun(name string, f fields) *noun {
	return &noun{types.NewObjectType(nounPrefix + name), f, sorted(f)}
}
func sorted(f fields) []string { return slices.Sorted(maps.Keys(f)) }
func objects[T any](n *noun, all []T) ref.Val {
	out := make([]ref.Val, len(all))
	for i := range all {
		out[i] = object{n, &all[i]}
	}
	return types.NewRefValList(registry, out)
}

// nounPrefix keeps the names of types apart from those of variables.
const nounPrefix = "sallyport."

type fields = map[string]field

// judged is what the condition language calls operation: an action, and its facts.
type judged struct {
	action Action
	facts  *Facts
	// Lists of objects are made once: a condition that asks for one in a loop would
	// otherwise cost more than is counted.
	tables, reads, writes, commands ref.Val
}

// once makes a list of objects where it was not made yet.
func once[T any](made *ref.Val, n *noun, all []T) any {
	if *made == nil {
		*made = objects(n, all)
	}
	return *made
}

var stringsType = reflect.TypeFor[[]string]()

var registry = func() *types.Registry {
	r, err := types.NewRegistry()
	if err != nil {
		panic("policy: the condition language has no registry: " + err.Error())
	}
	return r
}()

var (
	stringList = list(types.StringType)
	labelMap   = types.NewMapType(types.StringType, types.StringType)
	claimMap   = types.NewMapType(types.StringType, stringList)
)

var identityNoun = newNoun("identity", fields{
	"issuer":    is(types.StringType, func(i *Identity) any { return i.Issuer }),
	"subject":   is(types.StringType, func(i *Identity) any { return i.Subject }),
	"email":     text(func(i *Identity) string { return i.Email }),
	"name":      text(func(i *Identity) string { return i.Name }),
	"groups":    is(stringList, func(i *Identity) any { return i.Groups }).upTo(200),
	"claims":    is(claimMap, func(i *Identity) any { return types.NewDynamicMap(registry, i.Claims) }).upTo(20),
	"method":    text(func(i *Identity) string { return i.Method }),
	"signed_in": moment(func(i *Identity) time.Time { return i.SignedIn }),
})

var resourceNoun = newNoun("resource", fields{
	"name":   is(types.StringType, func(r *Resource) any { return r.Name }),
	"kind":   is(types.StringType, func(r *Resource) any { return r.Kind }),
	"labels": is(labelMap, func(r *Resource) any { return types.NewStringStringMap(registry, r.Labels) }).upTo(20),
})

var sessionNoun = newNoun("session", fields{
	"from":       text(func(s *Session) string { return s.From }),
	"opened":     moment(func(s *Session) time.Time { return s.Opened }),
	"operations": is(types.IntType, func(s *Session) any { return s.Operations }),
})

var tableNoun = newNoun("table", fields{
	"schema": is(types.StringType, func(t *Table) any { return t.Schema }),
	"name":   is(types.StringType, func(t *Table) any { return t.Name }),
	"kind":   is(types.StringType, func(t *Table) any { return tableKinds[min(t.Kind, TableForeign)] }).of(tableKinds...),
	"write":  is(types.BoolType, func(t *Table) any { return t.Write }),
})

var tableKinds = []string{"unknown", "plain", "partitioned", "view", "foreign"}

var columnNoun = newNoun("column", fields{
	"schema": is(types.StringType, func(c *Column) any { return c.Schema }),
	"table":  is(types.StringType, func(c *Column) any { return c.Table }),
	"name":   is(types.StringType, func(c *Column) any { return c.Name }),
})

var commandNoun = newNoun("command", fields{
	"name":  is(types.StringType, func(c *Command) any { return c.Name }),
	"args":  is(stringList, func(c *Command) any { return c.Args }).upTo(100),
	"class": is(types.StringType, func(c *Command) any { return c.Class.String() }).of(classNames[:]...),
})

var httpNoun = newNoun("http_request", fields{
	"method":       is(types.StringType, func(h *HTTPRequest) any { return h.Method }),
	"host":         is(types.StringType, func(h *HTTPRequest) any { return h.Host }),
	"path":         is(types.StringType, func(h *HTTPRequest) any { return h.Path }),
	"query":        is(types.StringType, func(h *HTTPRequest) any { return h.Query }),
	"content_type": is(types.StringType, func(h *HTTPRequest) any { return h.ContentType }),
	"size":         is(types.IntType, func(h *HTTPRequest) any { return h.Size }),
})

var kubernetesNoun = newNoun("kubernetes_call", fields{
	"verb":        is(types.StringType, func(k *KubernetesCall) any { return k.Verb }),
	"group":       is(types.StringType, func(k *KubernetesCall) any { return k.Group }),
	"resource":    is(types.StringType, func(k *KubernetesCall) any { return k.Resource }),
	"subresource": is(types.StringType, func(k *KubernetesCall) any { return k.Subresource }),
	"namespace":   is(types.StringType, func(k *KubernetesCall) any { return k.Namespace }),
	"name":        is(types.StringType, func(k *KubernetesCall) any { return k.Name }),
	"port":        is(types.IntType, func(k *KubernetesCall) any { return k.Port }),
})

var operationNoun = newNoun("operation", fields{
	"action": is(types.StringType, func(j *judged) any { return string(j.action) }).of(
		string(ActionSQL), string(ActionExec), string(ActionHTTP), string(ActionKubernetes), string(ActionFile), string(ActionShell), string(ActionUnmask), string(ActionForward)),
	"class":       is(types.StringType, func(j *judged) any { return j.facts.Class.String() }).of(classNames[:]...),
	"verb":        is(types.StringType, func(j *judged) any { return j.facts.Verb }),
	"destructive": is(types.BoolType, func(j *judged) any { return j.facts.Destructive }),
	"opaque":      is(types.BoolType, func(j *judged) any { return j.facts.Opaque }),
	"copies":      is(types.BoolType, func(j *judged) any { return j.facts.Copies }),
	"form":        is(types.StringType, func(j *judged) any { return j.facts.Form }),
	"statements":  is(types.IntType, func(j *judged) any { return int64(j.facts.Statements) }),
	"tables":      is(list(tableNoun.typ), func(j *judged) any { return once(&j.tables, tableNoun, j.facts.Tables) }).upTo(100),
	"reads":       is(list(columnNoun.typ), func(j *judged) any { return once(&j.reads, columnNoun, j.facts.Reads) }).upTo(200),
	"writes":      is(list(columnNoun.typ), func(j *judged) any { return once(&j.writes, columnNoun, j.facts.Writes) }).upTo(200),
	"functions":   is(stringList, func(j *judged) any { return j.facts.Functions }).upTo(100),
	"commands":    is(list(commandNoun.typ), func(j *judged) any { return once(&j.commands, commandNoun, j.facts.Commands) }).upTo(100),
	"estimate": may(types.IntType, func(j *judged) (any, bool) {
		if j.facts.Estimate == nil {
			return nil, false
		}
		return *j.facts.Estimate, true
	}),
	"http": may(httpNoun.typ, func(j *judged) (any, bool) { return object{httpNoun, j.facts.HTTP}, j.facts.HTTP != nil }),
	"kubernetes": may(kubernetesNoun.typ, func(j *judged) (any, bool) {
		return object{kubernetesNoun, j.facts.Kubernetes}, j.facts.Kubernetes != nil
	}),
	// One of them: an operation on several is judged for each.
	"file": may(fileNoun.typ, func(j *judged) (any, bool) {
		if len(j.facts.Files) != 1 {
			return nil, false
		}
		return object{fileNoun, &j.facts.Files[0]}, true
	}),
})

// nouns is every type of the condition language, by name.
var nouns = func() map[string]*noun {
	all := map[string]*noun{}
	for _, n := range []*noun{identityNoun, resourceNoun, sessionNoun, operationNoun, tableNoun, columnNoun, commandNoun, httpNoun, kubernetesNoun, fileNoun} {
		all[n.typ.TypeName()] = n
	}
	return all
}()

// provider tells the language of our types.
type provider struct{ *types.Registry }

func (p provider) FindStructType(name string) (*types.Type, bool) {
	if n, ok := nouns[name]; ok {
		return types.NewTypeTypeWithParam(n.typ), true
	}
	return p.Registry.FindStructType(name)
}

func (p provider) FindStructFieldNames(name string) ([]string, bool) {
	if n, ok := nouns[name]; ok {
		return n.order, true
	}
	return p.Registry.FindStructFieldNames(name)
}

func (p provider) FindStructFieldType(name, key string) (*types.FieldType, bool) {
	n, ok := nouns[name]
	if !ok {
		return p.Registry.FindStructFieldType(name, key)
	}
	f, ok := n.fields[key]
	if !ok {
		return nil, false
	}
	return &types.FieldType{
		Type: f.typ,
		IsSet: func(v any) bool {
			_, there := f.get(v)
			return there
		},
		GetFrom: func(v any) (any, error) {
			if got, there := f.get(v); there {
				return got, nil
			}
			return nil, fmt.Errorf("%s.%s is not known", strings.TrimPrefix(name, nounPrefix), key)
		},
	}, true
}

// NewValue makes none of our types: facts are found, not written.
func (p provider) NewValue(name string, f map[string]ref.Val) ref.Val {
	if _, ok := nouns[name]; ok {
		return types.NewErr("a %s cannot be made in a condition", strings.TrimPrefix(name, nounPrefix))
	}
	return p.Registry.NewValue(name, f)
}

var _ types.Provider = provider{}
