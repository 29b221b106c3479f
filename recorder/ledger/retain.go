package ledger

import (
	"context"
	"errors"
	"maps"

	"github.com/sallyport/sallyport/recorder"
)

func (l *Ledger) hurry() {
	select {
	case l.urgent <- struct{}{}:
	default:
	}
}

// Sync implements recorder.Retainer.
func (l *Ledger) Sync(ctx context.Context) error {
	done := make(chan struct{})
	l.mu.Lock()
	if l.err != nil {
		defer l.mu.Unlock()
		return l.err
	}
	l.syncs = append(l.syncs, done)
	l.mu.Unlock()
	l.hurry()
	select {
	case <-done:
		return nil
	case <-l.failed:
		return l.Err()
	case <-l.done: // it was closed, or it failed
		select {
		case <-done:
			return nil
		default:
			return errors.Join(errors.New("the log of transcripts is closed"), l.Err())
		}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Removed implements recorder.Retainer.
func (l *Ledger) Removed(id recorder.ID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.removed[id]
}

// Held implements recorder.Retainer.
func (l *Ledger) Held() map[recorder.ID]recorder.Leaf {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.held)
}
