package tui

import (
	"context"
	"io"

	"github.com/sallyport/sallyport/recorder"
)

// Clusters is the power of a Backend to open clusters (kinds with the power
// "cluster").
type Clusters interface {
	OpenCluster(ctx context.Context, resource string) (Cluster, error)
}

// Cluster is one open session on a cluster.
type Cluster interface {
	// ID names the session's transcript.
	ID() recorder.ID
	// Do runs a line of kubectl without its first word, after the one before it has
	// ended. What it shows comes to out as it comes, unescaped. An operation that
	// needs approval is *policy.ApprovalNeeded unless ask is there; see Workspace.Run.
	Do(ctx context.Context, line []string, ask *Ask, out io.Writer) error
	// Ended is closed when the session was ended from behind; Err then says why.
	Ended() <-chan struct{}
	Err() error
	Close() error
}
