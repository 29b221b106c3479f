// Package all answers: which kinds of target are there?
package all

import (
	"context"
	"errors"
	"io"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/clickhouse"
	"github.com/sallyport/sallyport/connectors/command"
	"github.com/sallyport/sallyport/connectors/http"
	"github.com/sallyport/sallyport/connectors/internal/filefacts"
	"github.com/sallyport/sallyport/connectors/internal/shellfacts"
	"github.com/sallyport/sallyport/connectors/kubernetes"
	"github.com/sallyport/sallyport/connectors/mongodb"
	"github.com/sallyport/sallyport/connectors/mssql"
	"github.com/sallyport/sallyport/connectors/mysql"
	"github.com/sallyport/sallyport/connectors/postgres"
	"github.com/sallyport/sallyport/connectors/redis"
	"github.com/sallyport/sallyport/connectors/sqlite"
	"github.com/sallyport/sallyport/connectors/ssh"
	"github.com/sallyport/sallyport/policy"
)

// Options are those of each kind. The zero value is right.
type Options struct {
	Postgres   postgres.Options
	MySQL      mysql.Options
	ClickHouse clickhouse.Options
	MSSQL      mssql.Options
	SQLite     sqlite.Options
	MongoDB    mongodb.Options
	SSH        ssh.Options
	Command    command.Options
	Kubernetes kubernetes.Options
}

// Drivers returns a driver for every kind. The caller ends them with Close, once
// their connections are closed.
func Drivers(o Options) []connectors.Driver {
	return []connectors.Driver{
		postgres.New(o.Postgres),
		mysql.New(o.MySQL),
		clickhouse.New(o.ClickHouse),
		mssql.New(o.MSSQL),
		sqlite.New(o.SQLite),
		mongodb.New(o.MongoDB),
		ssh.New(o.SSH),
		command.New(o.Command),
		http.New(),
		kubernetes.New(o.Kubernetes),
		redis.New(),
	}
}

// Dialect is a language in which operations are written, and who judges it.
type Dialect struct {
	Name string
	connectors.Classifier
}

// Dialects are the languages that are judged without a target, by name. Those of
// databases that judge by an engine of theirs come from the drivers.
func Dialects(drivers []connectors.Driver) []Dialect {
	list := []Dialect{
		{"mysql", pure(mysql.Facts)},
		{"redis", pure(redis.Facts)},
		{"clickhouse", pure(clickhouse.Facts)},
		{"shell", pure(shellfacts.Facts)},
		{"http", pure(http.Facts)},
		{"k8s", pure(kubernetes.Facts)},
		{"file", pure(filefacts.Facts)},
		{"k8s-file", pure(kubernetes.FileFacts)},
	}
	for _, d := range drivers {
		if c, ok := d.(connectors.Classifier); ok {
			list = append(list, Dialect{d.Kind(), c})
		}
	}
	return list
}

// pure judges by the text alone and never fails.
type pure func(text string) policy.Facts

func (f pure) Classify(_ context.Context, text string) (policy.Facts, error) { return f(text), nil }

// Close ends what drivers hold beyond their connections, such as parser workers.
func Close(drivers []connectors.Driver) error {
	var errs []error
	for _, d := range drivers {
		if c, ok := d.(io.Closer); ok {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}
