package ssh

import (
	"sync"

	"github.com/sallyport/sallyport/connectors"
)

// writers are the open files of a connection that are written, by the target's path. What
// one wrote is all that its file holds only where nothing else here changed that file
// meanwhile; what others do at the target is not seen.
type writers struct {
	mu   sync.Mutex
	open map[string][]*openFile
}

// add notes one that begins. Where there are others, none of them is alone.
func (w *writers) add(o *openFile) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open == nil {
		w.open = map[string][]*openFile{}
	}
	p := o.at.call.Path
	w.open[p] = append(w.open[p], o)
	if all := w.open[p]; len(all) > 1 {
		disturb(all)
	}
}

// remove forgets one that has ended.
func (w *writers) remove(o *openFile) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := o.at.call.Path
	var left []*openFile
	for _, other := range w.open[p] {
		if other != o {
			left = append(left, other)
		}
	}
	if w.open[p] = left; len(left) == 0 {
		delete(w.open, p)
	}
}

// changed says that an operation changed, or may have changed, what its paths lead to.
func (w *writers) changed(c connectors.FileCall) {
	w.mu.Lock()
	defer w.mu.Unlock()
	disturb(w.open[c.Path])
	disturb(w.open[c.To])
}

func disturb(all []*openFile) {
	for _, o := range all {
		o.disturbed.Store(true)
	}
}
