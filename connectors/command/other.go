//go:build !unix

package command

import (
	"context"

	"github.com/sallyport/sallyport/connectors"
)

// ChildArgument is the one argument with which the binary runs itself to become a
// declared program.
const ChildArgument = "command-child"

// Child fails: there are no limits and users to set up here.
func Child() int { return 127 }

// Exec is not supported on this system.
func (c *Conn) Exec(context.Context, connectors.Guard, string, connectors.Stdio) (connectors.Exit, error) {
	return connectors.Exit{}, connectors.ErrUnsupported
}
