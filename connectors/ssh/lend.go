package ssh

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"

	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/connectors"
)

const (
	agentChannel = "auth-agent@openssh.com" // PROTOCOL.agent of OpenSSH
	x11Channel   = "x11"                    // RFC 4254 section 6.3
	// maxWays bounds how many ways back are open at a time, of each sort.
	maxWays = 32
)

// lender lets a target open ways back to what its requester lends to one operation. All
// of them end with the operation.
type lender struct {
	g    connectors.Guard
	lent *connectors.Lent
	may  connectors.Borrows
	// cookie is what programs at the target must show; it is of no use elsewhere.
	cookie []byte

	ctx    context.Context
	cancel context.CancelFunc
	ways   sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	under    map[string]int // ways that are open, by sort
	opened   map[string]int // and were
	listed   int            // how often the agent's keys were
	signed   int            // by the agent
	sent     int64          // to the display
	received int64
}

// borrow asks the target to offer what the operation may use, and tells the requester
// what it may not. What is offered ends with the lender's close; nil is nothing.
func (c *Conn) borrow(ctx context.Context, g connectors.Guard, p connectors.Permit, lent *connectors.Lent) (*lender, []request) {
	asked, terms := lent.Borrows(), p.Terms()
	if asked == (connectors.Borrows{}) {
		return nil, nil
	}
	denied := func(what, key string) {
		lent.Tell("refused: " + what + ": rule " + terms.Rule + " does not say " + key + ": true")
	}
	may := connectors.Borrows{Agent: asked.Agent && terms.Borrows.Agent, Display: asked.Display && terms.Borrows.Display}
	l := &lender{g: g, lent: lent, may: may, under: map[string]int{}, opened: map[string]int{}}
	var requests []request
	if asked.Agent && !l.may.Agent {
		denied("your agent's keys stay with you", "agent_forwarding")
	} else if asked.Agent {
		requests = append(requests, request{name: "auth-agent-req@openssh.com", what: "to use your agent", optional: lent.Tell})
	}
	if asked.Display && !l.may.Display {
		denied("no X11", "x11_forwarding")
	} else if asked.Display {
		l.cookie = make([]byte, len(lent.Display.Cookie.Reveal()))
		_, _ = rand.Read(l.cookie) // it never fails
		requests = append(requests, request{"x11-req", "to use your display", gossh.Marshal(struct {
			Single           bool
			Protocol, Cookie string
			Screen           uint32
		}{lent.Display.Single, magicCookie, hex.EncodeToString(l.cookie), lent.Display.Screen}), lent.Tell})
	}
	if len(requests) == 0 {
		return nil, nil
	}
	l.ctx, l.cancel = context.WithCancel(ctx)
	c.lender.Store(l)
	return l, requests
}

// back takes the ways of one sort that the target opens, until the connection ends.
func (c *Conn) back(kind string, offered <-chan gossh.NewChannel) {
	for nc := range offered {
		l := c.lender.Load()
		if l == nil || !l.begin(kind) {
			_ = nc.Reject(gossh.Prohibited, "nothing here may be used") // the target is told, or gone
			continue
		}
		go func() {
			defer l.end(kind)
			l.serve(kind, nc)
		}()
	}
}

// begin counts a way in, unless there are too many, or none may be.
func (l *lender) begin(kind string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	may := kind == agentChannel && l.may.Agent || kind == x11Channel && l.may.Display && (!l.lent.Display.Single || l.opened[kind] == 0)
	if l.closed || !may || l.under[kind] >= maxWays {
		return false
	}
	l.under[kind]++
	l.opened[kind]++
	l.ways.Add(1)
	return true
}

func (l *lender) end(kind string) {
	l.mu.Lock()
	l.under[kind]--
	l.mu.Unlock()
	l.ways.Done()
}

// close ends all ways, and says what went over them.
func (l *lender) close(c *Conn) string {
	if l == nil {
		return ""
	}
	c.lender.CompareAndSwap(l, nil)
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.cancel()
	l.ways.Wait()
	var tag string
	if n := l.opened[agentChannel]; n > 0 {
		tag = fmt.Sprintf("AGENT opened %d times, keys listed %d times, %d signatures", n, l.listed, l.signed)
	}
	if n := l.opened[x11Channel]; n > 0 {
		if tag != "" {
			tag += "; "
		}
		tag += fmt.Sprintf("X11 opened %d times, sent %d bytes, received %d", n, l.sent, l.received)
	}
	return tag
}

// serve is one way, from its record to its end.
func (l *lender) serve(kind string, nc gossh.NewChannel) {
	what := "the requester's SSH agent"
	if kind == x11Channel {
		what = "the requester's X11 display"
	}
	if err := l.g.Note(l.ctx, "the target opened a way to "+what); err != nil {
		_ = nc.Reject(gossh.ConnectionFailed, "not now")
		return
	}
	ch, requests, err := nc.Accept()
	if err != nil {
		return
	}
	go gossh.DiscardRequests(requests)
	defer ch.Close()
	defer context.AfterFunc(l.ctx, func() { _ = ch.Close() })()
	if kind == x11Channel {
		err = l.x11(ch, nc.ExtraData())
	} else {
		err = l.agent(ch)
	}
	if err != nil && l.ctx.Err() == nil && !lost(err) {
		_ = l.g.Note(l.ctx, "the way to "+what+" was closed: "+err.Error()) // the session ends by itself where it cannot be recorded
	}
}

// agent connects one way to the requester's agent.
func (l *lender) agent(target io.ReadWriteCloser) error {
	agent, err := l.lent.Agent()
	if err != nil {
		return errors.New("the requester offers no agent")
	}
	defer agent.Close()
	defer context.AfterFunc(l.ctx, func() { _ = agent.Close() })()
	w := &agentWay{target: target, agent: agent, note: func(text string) error { return l.g.Note(l.ctx, text) }, names: map[string]string{},
		did: func(kind byte) {
			l.mu.Lock()
			defer l.mu.Unlock()
			switch kind {
			case agentList:
				l.listed++
			case agentSign:
				l.signed++
			}
		}}
	return w.serve()
}
