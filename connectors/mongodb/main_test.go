package mongodb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/mongodb/ferretserver"
	"github.com/sallyport/sallyport/mask"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if serverStarted.Load() {
		if s, err := theServer(); err == nil {
			if code != 0 {
				fmt.Fprintln(os.Stderr, s.Log())
			}
			s.Stop()
		}
	}
	os.Exit(code)
}

var serverStarted atomic.Bool

var theServer = sync.OnceValues(func() (*ferretserver.Server, error) {
	serverStarted.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	return ferretserver.Start(ctx)
})

// server is the FerretDB of these tests. Where there is none they are skipped aloud,
// and fail in CI.
func server(t testing.TB) *ferretserver.Server {
	t.Helper()
	s, err := theServer()
	if errors.Is(err, ferretserver.ErrNotFound) && os.Getenv("CI") == "" {
		t.Skipf("SKIPPED, no real server: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var databases atomic.Int64

// database is a new one, as another client sees it.
func database(t testing.TB) (*ferretserver.Server, *mongo.Database) {
	t.Helper()
	s := server(t)
	auth := options.Credential{AuthMechanism: "SCRAM-SHA-256", AuthSource: "admin", Username: ferretserver.Superuser, Password: s.Password()}
	client, err := mongo.Connect(options.Client().SetHosts([]string{s.Socket()}).SetAuth(auth).SetDirect(true))
	if err != nil {
		t.Fatal(err)
	}
	db := client.Database(fmt.Sprintf("test%d", databases.Add(1)))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second) // it may be busy yet
		defer cancel()
		_ = db.Drop(ctx)
		_ = client.Disconnect(ctx)
	})
	return s, db
}

func endpoint(s *ferretserver.Server, name string) connectors.Endpoint {
	return connectors.Endpoint{Name: "shop-docs", Address: s.Address(), User: ferretserver.Superuser, Database: name, TLS: "disable",
		Again: func(context.Context) (mask.Secret, error) { return mask.NewSecret([]byte(s.Password())), nil }}
}

// fill puts documents into a collection.
func fill(t testing.TB, db *mongo.Database, name string, docs ...any) {
	t.Helper()
	for len(docs) > 0 {
		n := min(len(docs), 1000)
		if _, err := db.Collection(name).InsertMany(t.Context(), docs[:n]); err != nil {
			t.Fatal(err)
		}
		docs = docs[n:]
	}
}

// people are customers with an address of each.
func people(n int) (docs []any) {
	for i := range n {
		docs = append(docs, bson.D{{Key: "_id", Value: int32(i + 1)}, {Key: "name", Value: fmt.Sprintf("Name %d", i+1)},
			{Key: "email", Value: fmt.Sprintf("person%d@secret.example", i+1)},
			{Key: "contacts", Value: bson.A{bson.D{{Key: "kind", Value: "work"}, {Key: "phone", Value: fmt.Sprintf("+44-20-77%04d", i+1)}}}},
			{Key: "note", Value: fmt.Sprintf("note %d", i+1)}})
	}
	return docs
}
