package mssql

import (
	"context"
	"strings"
	"sync"

	mssql "github.com/microsoft/go-mssqldb"
	"github.com/microsoft/go-mssqldb/msdsn"

	"github.com/sallyport/sallyport/connectors"
)

// maxNotices bounds how many messages of a statement are kept, noticeMax their size.
const (
	maxNotices = 50
	noticeMax  = 8 << 10
)

// notices are the messages of one statement. The library hands them to its log, by
// the context of whoever waits for the answer: there is no other way to them that
// lets rows stream.
type notices struct {
	mu    sync.Mutex
	list  []string
	more  int
	wrong string // the last error that the target said
}

type noticesKey struct{}

func (n *notices) within(ctx context.Context) context.Context {
	return context.WithValue(ctx, noticesKey{}, n)
}

// taken returns and forgets them.
func (n *notices) taken() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := n.list
	n.list = nil
	return out
}

type listener struct{}

func (listener) Log(ctx context.Context, category msdsn.Log, text string) {
	n, ok := ctx.Value(noticesKey{}).(*notices)
	if !ok || category&heeded == 0 {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(text) > noticeMax {
		text = text[:noticeMax] + "..."
	}
	text = strings.ToValidUTF8(text, "?")
	if category == msdsn.LogErrors {
		if !strings.HasPrefix(text, "intercepted panic: ") && !strings.HasPrefix(text, "BeginRead failed ") { // which are the library's own, and errors
			n.wrong = text
		}
		return
	}
	if n.more++; n.more > maxNotices {
		return
	}
	n.list = append(n.list, text)
}

// heeded are the kinds of messages that the library is to tell of.
const heeded = msdsn.LogMessages | msdsn.LogErrors

// swallowed is an error that the target said within an answer which has ended well: the
// library forgets those of a procedure's parts where nothing but a part ends the answer.
func (n *notices) swallowed() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.wrong == "" {
		return nil
	}
	return &connectors.TargetError{Text: n.wrong}
}

// heed has the library's messages come here. It has one log for all of the process.
var heed = sync.OnceFunc(func() { mssql.SetContextLogger(listener{}) })

func (n *notices) add(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, text)
}
