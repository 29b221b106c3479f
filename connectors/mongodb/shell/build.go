package shell

import (
	"strconv"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// builder makes a document.
type builder struct {
	b  []byte
	at int32
}

var one1 = bsoncore.Value{Type: bsoncore.TypeInt32, Data: bsoncore.AppendInt32(nil, 1)}

func text(s string) bsoncore.Value {
	return bsoncore.Value{Type: bsoncore.TypeString, Data: bsoncore.AppendString(nil, s)}
}

func number(n int32) bsoncore.Value {
	return bsoncore.Value{Type: bsoncore.TypeInt32, Data: bsoncore.AppendInt32(nil, n)}
}

// build begins a command with its name.
func build(name string, v bsoncore.Value) *builder {
	b := empty()
	return b.value(name, v)
}

func empty() *builder {
	b := &builder{}
	b.at, b.b = bsoncore.AppendDocumentStart(nil)
	return b
}

func (b *builder) value(key string, v bsoncore.Value) *builder {
	b.b = bsoncore.AppendValueElement(b.b, key, v)
	return b
}

func (b *builder) boolean(key string, v bool) *builder {
	b.b = bsoncore.AppendBooleanElement(b.b, key, v)
	return b
}

// doc adds a document; nil is an empty one.
func (b *builder) doc(key string, d bsoncore.Document) *builder {
	if d == nil {
		d = empty().done()
	}
	b.b = bsoncore.AppendDocumentElement(b.b, key, d)
	return b
}

// list adds an array of values.
func (b *builder) list(key string, values ...bsoncore.Value) *builder {
	at, bytes := bsoncore.AppendArrayElementStart(b.b, key)
	for i, v := range values {
		bytes = bsoncore.AppendValueElement(bytes, strconv.Itoa(i), v)
	}
	b.b, _ = bsoncore.AppendArrayEnd(bytes, at)
	return b
}

func (b *builder) done() bsoncore.Document {
	b.b, _ = bsoncore.AppendDocumentEnd(b.b, b.at)
	return b.b
}

// asValue is a document as a value.
func asValue(d bsoncore.Document) bsoncore.Value {
	return bsoncore.Value{Type: bsoncore.TypeEmbeddedDocument, Data: d}
}
