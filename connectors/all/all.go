// Package all answers: which kinds of target are there?
package all

import (
	"errors"
	"io"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/postgres"
	"github.com/sallyport/sallyport/connectors/sqlite"
	"github.com/sallyport/sallyport/connectors/ssh"
)

// Options are those of each kind. The zero value is right.
type Options struct {
	Postgres postgres.Options
	SQLite   sqlite.Options
	SSH      ssh.Options
}

// Drivers returns a driver for every kind. The caller ends them with Close, once
// their connections are closed.
func Drivers(o Options) []connectors.Driver {
	return []connectors.Driver{
		postgres.New(o.Postgres),
		sqlite.New(o.SQLite),
		ssh.New(o.SSH),
	}
}

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
