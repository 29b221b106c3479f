package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/sallyport/sallyport/connectors/mongodb/ferretserver"
)

var scriptFerretDB struct {
	once sync.Once
	s    *ferretserver.Server
	err  error
}

// scriptFerret starts FerretDB, which is not MongoDB, and fills its database shop: each
// file is a collection, a document a line.
func scriptFerret(ts *testscript.TestScript, _ bool, args []string) {
	b := theBastion(ts)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute) // the first one is built
	defer cancel()
	f := &scriptFerretDB
	f.once.Do(func() { f.s, f.err = ferretserver.Start(ctx) })
	if errors.Is(f.err, ferretserver.ErrNotFound) && os.Getenv("CI") == "" {
		b.t.Skipf("SKIPPED, nothing speaks MongoDB's protocol: %v", f.err)
	}
	ts.Check(f.err)
	auth := options.Credential{AuthMechanism: "SCRAM-SHA-256", AuthSource: "admin", Username: ferretserver.Superuser, Password: f.s.Password()}
	client, err := mongo.Connect(options.Client().SetHosts([]string{f.s.Socket()}).SetAuth(auth).SetDirect(true))
	ts.Check(err)
	defer func() { _ = client.Disconnect(ctx) }()
	for _, file := range args {
		var docs []any
		for line := range strings.Lines(ts.ReadFile(file)) {
			var d bson.D
			ts.Check(bson.UnmarshalExtJSON([]byte(line), false, &d))
			docs = append(docs, d)
		}
		_, err := client.Database("shop").Collection(strings.TrimSuffix(filepath.Base(file), ".json")).InsertMany(ctx, docs)
		ts.Check(err)
	}
	ts.Check(os.WriteFile(ts.MkAbs("ferret-password"), []byte(f.s.Password()), 0o600))
	ts.Setenv("FERRET", f.s.Address())
}

// stopFerret ends it with the tests; the kernel would, too.
func stopFerret() {
	if scriptFerretDB.s != nil {
		scriptFerretDB.s.Stop()
	}
}
