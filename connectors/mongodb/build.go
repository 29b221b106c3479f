package mongodb

import (
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// builder makes a command of the gate's own.
type builder struct {
	b  []byte
	at int32
}

func command(name string, n int32) *builder {
	b := &builder{}
	b.at, b.b = bsoncore.AppendDocumentStart(nil)
	b.b = bsoncore.AppendInt32Element(b.b, name, n)
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

func (b *builder) long(key string, v int64) *builder {
	b.b = bsoncore.AppendInt64Element(b.b, key, v)
	return b
}

// size adds a document with the size of a batch.
func (b *builder) size(key string, n int) *builder {
	at, bytes := bsoncore.AppendDocumentElementStart(b.b, key)
	bytes = bsoncore.AppendInt32Element(bytes, "batchSize", int32(n))
	b.b, _ = bsoncore.AppendDocumentEnd(bytes, at)
	return b
}

func (b *builder) done() bsoncore.Document {
	b.b, _ = bsoncore.AppendDocumentEnd(b.b, b.at)
	return b.b
}
