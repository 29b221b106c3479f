package redis

import (
	"context"
	"fmt"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

// renew makes lines anew that were lost or given up, before anything is judged: the server
// may be another one now, which says otherwise of its commands. The secret is fetched for
// it, and destroyed. What was cut is never sent again.
func (c *Conn) renew(ctx context.Context) error {
	c.io <- struct{}{}
	defer func() { <-c.io }()
	if err := c.turn.Gone(); err != nil {
		return err
	}
	if !c.main.broken {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, sideTime)
	defer cancel()
	secret := mask.Secret{}
	if !c.keyless {
		if c.endpoint.Again == nil {
			return fmt.Errorf("%w: %w: open the resource again", connectors.ErrVanished, errLost)
		}
		var err error
		if secret, err = c.endpoint.Again(ctx); err != nil {
			return fmt.Errorf("sign in to %q again: %w", c.endpoint.Name, err)
		}
		defer secret.Destroy()
	}
	c.side <- struct{}{}
	defer func() { <-c.side }()
	err := c.signInAgain(ctx, secret)
	if err != nil {
		c.main.broken = true
		return openError(c.endpoint.Name, err)
	}
	return nil
}

func (c *Conn) signInAgain(ctx context.Context, secret mask.Secret) error {
	for _, line := range []**wire{&c.main, &c.second} {
		if !(*line).broken {
			continue
		}
		_ = (*line).nc.Close()
		w, err := c.driver.signIn(ctx, c.endpoint, secret)
		if err != nil {
			return err
		}
		*line = w
		if err := c.settle(ctx, c.guard, w); err != nil {
			return err
		}
	}
	c.id = ""
	if err := c.learnID(ctx, c.guard); err != nil {
		return err
	}
	return c.learnFlags(ctx, c.guard)
}
