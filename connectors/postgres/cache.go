package postgres

import "sync"

// cache keeps judgements by exact text. Whole generations are forgotten: when
// the young one is full it becomes the old one. It bounds what texts it holds.
type cache struct {
	mu         sync.Mutex
	young, old map[string]*judgement
	size       int // bytes of text in young
}

const (
	cacheEntries = 512
	cacheBytes   = 1 << 20
	cacheText    = 64 << 10 // longer ones are not kept
)

func (c *cache) get(text string) (*judgement, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if j, ok := c.young[text]; ok {
		return j, true
	}
	j, ok := c.old[text]
	return j, ok
}

// put keeps j, which nobody changes any more.
func (c *cache) put(text string, j *judgement) {
	if len(text) > cacheText {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.young == nil || len(c.young) >= cacheEntries || c.size+len(text) > cacheBytes {
		c.old, c.young, c.size = c.young, make(map[string]*judgement), 0
	}
	c.young[text] = j
	c.size += len(text)
}
