package postgres

import (
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

// What a session LISTENs to arrives beside the answers, and is told among the
// target's notices. Its payload is whatever another session, or a trigger, put
// there: where columns are masked it is withheld, since nobody can tell what it is
// of. The channel is one that the requester named.

// maxNotifications bounds what is kept between two statements.
const maxNotifications = 100

func (c *Conn) notification(_ *pgconn.PgConn, n *pgconn.Notification) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.heard) >= maxNotifications {
		c.deaf++
		return
	}
	c.heard = append(c.heard, *n)
}

// notifications returns and forgets what came, as it may be told.
func (c *Conn) notifications(masks bool) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for _, n := range c.heard {
		switch {
		case n.Payload == "":
			out = append(out, fmt.Sprintf("NOTIFY %s", n.Channel))
		case masks:
			out = append(out, fmt.Sprintf("NOTIFY %s [its payload is withheld: columns are masked here]", n.Channel))
		default:
			out = append(out, fmt.Sprintf("NOTIFY %s: %s", n.Channel, n.Payload))
		}
	}
	if c.deaf > 0 {
		out = append(out, fmt.Sprintf("%d more notifications were dropped", c.deaf))
	}
	c.heard, c.deaf = nil, 0
	return out
}
