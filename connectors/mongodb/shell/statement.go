package shell

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// Command is what a text asks for.
type Command struct {
	// Doc is the command, whose first key is its name. It names no database.
	Doc bsoncore.Document
	// Admin says that it is for the database admin.
	Admin bool
}

const usage = `a command as a document, {find: "orders", filter: {...}}, or a method, db.orders.find({...})`

// Parse reads one command. database is what the resource is: the few commands that
// name it get it from there. Errors are of type *Error.
func Parse(text, database string) (Command, error) {
	p := &parser{s: text}
	switch {
	case len(text) > MaxText:
		return Command{}, p.fail("the text is longer than %d bytes", MaxText)
	case !utf8.ValidString(text):
		return Command{}, p.fail("the text is no UTF-8")
	}
	for i, r := range text {
		if unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' {
			p.at = i
			return Command{}, p.fail("the text holds a control character")
		}
	}
	c, err := p.statement(database)
	if err != nil {
		return Command{}, err
	}
	if _, err := p.take(';'); err != nil {
		return Command{}, err
	}
	switch next, err := p.peek(); {
	case err != nil:
		return Command{}, err
	case next != 0:
		return Command{}, p.hinted("one command at a time", "%s should not come here", p.found())
	}
	if err := c.Doc.Validate(); err != nil {
		return Command{}, p.fail("the command is no document")
	}
	if len(c.Doc) == emptyDocument {
		return Command{}, p.fail("an empty document is no command")
	}
	return c, nil
}

// emptyDocument is the length of one: of its own length, and its end.
const emptyDocument = 5

func (p *parser) statement(database string) (Command, error) {
	c, err := p.peek()
	if err != nil {
		return Command{}, err
	}
	if c == '{' {
		d, err := p.document()
		return Command{Doc: d}, err
	}
	switch word := p.ident(); word {
	case "db":
		return p.chain(database)
	case "show":
		return p.show()
	case "use":
		return Command{}, p.hinted("open the resource of the other one", "the database is the resource's")
	case "":
		return Command{}, p.hinted(usage, "a command should come here")
	default:
		return Command{}, p.hinted(usage, "%q is no command, and JavaScript is not evaluated", clip(word))
	}
}

// document reads one that stands by itself.
func (p *parser) document() (bsoncore.Document, error) {
	b, err := p.value(nil, "d")
	if err != nil {
		return nil, err
	}
	e, _, ok := bsoncore.ReadElement(b)
	d, isDoc := e.Value().DocumentOK()
	if !ok || !isDoc {
		return nil, p.fail("a document should be here")
	}
	return d, nil
}

func (p *parser) show() (Command, error) {
	if _, err := p.peek(); err != nil {
		return Command{}, err
	}
	switch word := p.ident(); word {
	case "collections", "tables":
		return Command{Doc: listCollections()}, nil
	case "dbs", "databases":
		return Command{Doc: build("listDatabases", one1).boolean("nameOnly", true).done(), Admin: true}, nil
	default:
		return Command{}, p.hinted("show collections, show dbs", "%q cannot be shown", clip(word))
	}
}

func listCollections() bsoncore.Document {
	return build("listCollections", one1).boolean("nameOnly", true).boolean("authorizedCollections", true).done()
}

// call is a method's, with what it is given.
type call struct {
	*parser
	name       string
	collection string // "" for one of the database
	database   string
	args       []bsoncore.Value
}

// chain reads what comes behind db.
func (p *parser) chain(database string) (Command, error) {
	var names []string
	for {
		name, args, called, err := p.member()
		switch {
		case err != nil:
			return Command{}, err
		case name == "" && !called:
			return Command{}, p.hinted(usage, "a method should come here")
		case !called:
			names = append(names, name)
			continue
		case name == "getSiblingDB" && names == nil:
			return Command{}, p.hinted("open the resource of the other one", "the database is the resource's")
		case (name == "getCollection" || name == "collection") && names == nil:
			text, ok := "", false
			if len(args) == 1 {
				text, ok = args[0].StringValueOK()
			}
			if !ok || text == "" {
				return Command{}, p.fail("%s takes the name of a collection", name)
			}
			names = append(names, text)
			continue
		}
		c := call{parser: p, name: name, collection: strings.Join(names, "."), database: database, args: args}
		if names == nil {
			return c.ofDatabase()
		}
		return c.ofCollection()
	}
}

// member reads .name, ["name"] or .name(...); name is "" where none is next.
func (p *parser) member() (name string, args []bsoncore.Value, called bool, err error) {
	switch c, err := p.peek(); {
	case err != nil:
		return "", nil, false, err
	case c == '[':
		p.at++
		q, err := p.peek()
		if err != nil || q != '"' && q != '\'' {
			return "", nil, false, p.fail("the name of a collection in quotes should come here")
		}
		if name, err = p.str(); err != nil {
			return "", nil, false, err
		}
		return name, nil, false, p.expect(']')
	case c != '.':
		return "", nil, false, nil
	}
	p.at++
	if _, err := p.peek(); err != nil {
		return "", nil, false, err
	}
	if name = p.ident(); name == "" {
		return "", nil, false, p.fail("a name should come here")
	}
	c, err := p.peek()
	if err != nil || c != '(' {
		return name, nil, false, err
	}
	args, err = p.args()
	return name, args, true, err
}

// doc is an argument that is a document, nil where it is left out.
func (c *call) doc(i int) (bsoncore.Document, error) {
	if i >= len(c.args) || c.args[i].Type == bsoncore.TypeNull {
		return nil, nil
	}
	d, ok := c.args[i].DocumentOK()
	if !ok {
		return nil, c.fail("argument %d of %s is a document", i+1, c.name)
	}
	return d, nil
}

// text is an argument that is a text.
func (c *call) text(i int) (string, error) {
	if i < len(c.args) {
		if s, ok := c.args[i].StringValueOK(); ok {
			return s, nil
		}
	}
	return "", c.fail("argument %d of %s is a text", i+1, c.name)
}

// most refuses more arguments than the method has.
func (c *call) most(n int) error {
	if len(c.args) > n {
		return c.fail("%s takes %d arguments, not %d", c.name, n, len(c.args))
	}
	return nil
}

// options copies those of a document into the command; allowed maps the shell's word to
// the command's.
func (c *call) options(b *builder, d bsoncore.Document, allowed map[string]string) error {
	elems, err := d.Elements()
	if d == nil || err != nil {
		return nil
	}
	for _, e := range elems {
		word, ok := allowed[e.Key()]
		if !ok {
			return c.fail("%s has no option %q here", c.name, clip(e.Key()))
		}
		b.value(word, e.Value())
	}
	return nil
}

func same(words string) map[string]string {
	m := map[string]string{}
	for _, w := range strings.Fields(words) {
		m[w] = w
	}
	return m
}
