package mongodb

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
)

// TestNewViewsOfViews: views that were made after the connection was opened, each of
// the next, are followed to the collection at the end, however many they are.
func TestNewViewsOfViews(t *testing.T) {
	const chain = 9
	opened := false
	f := newFake(t, func(_ *fake, _ int64, cmd bson.D) any {
		switch cmd[0].Key {
		case "find":
			return cursor("shop.v1", 0, bson.D{{Key: "_id", Value: 1}, {Key: "email", Value: "ann@secret.example"}})
		case "listCollections":
			asked := fmt.Sprint(cmd)
			if !opened {
				opened = true
				return nil
			}
			var docs []any
			for i := 1; i <= chain; i++ {
				on := fmt.Sprintf("v%d", i+1)
				if i == chain {
					on = "customers"
				}
				if name := fmt.Sprintf("v%d", i); strings.Contains(asked, name) {
					docs = append(docs, bson.D{{Key: "name", Value: name}, {Key: "type", Value: "view"}, {Key: "options", Value: bson.D{{Key: "viewOn", Value: on}, {Key: "pipeline", Value: bson.A{}}}}})
				}
			}
			return cursor("shop.$cmd.listCollections", 0, docs...)
		}
		return nil
	})
	conn := f.open(t)
	plan, err := mask.NewPlan([]mask.Rule{{Name: "contact", Column: "customers.email"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	g := &connectortest.Guard{Seen: plan, Kept: plan, Judge: func(connectors.Operation) error { return nil }}
	res, err := conn.Query(t.Context(), g, connectors.Statement{Text: "db.v1.find()"})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Close()
	rows, _ := res.Batch(t.Context(), 10)
	if shown := fmt.Sprint(rows); len(rows) != 1 || strings.Contains(shown, "ann@") || !strings.Contains(shown, mask.Redacted) {
		t.Errorf("shown: %s", shown)
	}
}

// TestExplainedByRunning: a target that does not know the option explain and runs the
// pipeline shows no documents where a plan should be.
func TestExplainedByRunning(t *testing.T) {
	f := newFake(t, func(_ *fake, _ int64, cmd bson.D) any {
		if cmd[0].Key == "aggregate" || cmd[0].Key == "explain" {
			return cursor("shop.customers", 0, bson.D{{Key: "_id", Value: 1}, {Key: "email", Value: "ann@secret.example"}})
		}
		return nil
	})
	conn := f.open(t)
	plan, err := mask.NewPlan([]mask.Rule{{Name: "contact", Column: "customers.email"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"db.customers.aggregate([], {explain: true})", "db.customers.find().explain()"} {
		g := &connectortest.Guard{Seen: plan, Kept: plan, Judge: func(connectors.Operation) error { return nil }}
		res, err := conn.Query(t.Context(), g, connectors.Statement{Text: text})
		if !errors.Is(err, connectors.ErrProtocol) {
			t.Errorf("%s: %v, want %v", text, err, connectors.ErrProtocol)
		}
		if err == nil {
			rows, _ := res.Batch(t.Context(), 10)
			t.Errorf("%s shows %v", text, rows)
			_ = res.Close()
		}
	}
}

// TestEndlessViews: a target that says of a view each time that it is of another one is
// not asked for ever.
func TestEndlessViews(t *testing.T) {
	n := 0
	f := newFake(t, func(_ *fake, _ int64, cmd bson.D) any {
		if cmd[0].Key != "listCollections" {
			return nil
		}
		n++
		return cursor("shop.$cmd.listCollections", 0, bson.D{{Key: "name", Value: "v"}, {Key: "type", Value: "view"}, {Key: "options", Value: bson.D{{Key: "viewOn", Value: fmt.Sprintf("w%d", n)}, {Key: "pipeline", Value: bson.A{}}}}})
	})
	conn := f.open(t)
	plan, err := mask.NewPlan([]mask.Rule{{Name: "contact", Column: "customers.email"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	g := &connectortest.Guard{Seen: plan, Kept: plan, Judge: func(connectors.Operation) error { return nil }}
	if _, err := conn.Query(t.Context(), g, connectors.Statement{Text: "db.v.find()"}); !errors.Is(err, connectors.ErrProtocol) {
		t.Errorf("%v, want %v", err, connectors.ErrProtocol)
	}
}
