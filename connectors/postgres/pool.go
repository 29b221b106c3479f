package postgres

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"

	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/proto"
)

// parseTimeout is when a worker is killed over one statement. It is far above
// what 1 MB needs in either build.
const parseTimeout = 20 * time.Second

const (
	busyWorkers = 2 // judge at the same time
	allWorkers  = busyWorkers + 1
)

// errKilled: the statement ended the worker that judged it.
var errKilled = errors.New("the parser did not survive the statement")

// errClosed: the pool was closed.
var errClosed = errors.New("the parser is shut down")

// pool keeps warmed workers: two may judge at once, one more stands by. It
// starts them one after the other in the background, from the first use on.
type pool struct {
	argv    []string
	timeout time.Duration // when a worker is killed over one statement

	busy  chan struct{} // a slot for each judgement under way
	ready chan *worker  // warmed, idle
	need  chan struct{} // one for each worker to be started

	ctx   context.Context // ends with the pool; not passed on, only watched
	close context.CancelFunc
	start sync.Once
	done  chan struct{} // closed when the starter has returned

	mu  sync.Mutex
	all map[*worker]struct{}
	err error // why starts fail, once several in a row did
}

func newPool(argv []string) *pool {
	p := &pool{
		argv: argv, timeout: parseTimeout,
		busy:  make(chan struct{}, busyWorkers),
		ready: make(chan *worker, allWorkers),
		need:  make(chan struct{}, allWorkers),
		done:  make(chan struct{}),
		all:   make(map[*worker]struct{}),
	}
	p.ctx, p.close = context.WithCancel(context.Background())
	for range allWorkers {
		p.need <- struct{}{}
	}
	return p
}

// warm starts the workers if they are not started yet. It does not wait.
func (p *pool) warm() { p.start.Do(func() { go p.supervise() }) }

// Close ends all workers and waits until they are gone.
func (p *pool) Close() {
	p.close()
	p.start.Do(func() { close(p.done) })
	p.mu.Lock()
	for w := range p.all {
		w.kill()
	}
	p.mu.Unlock()
	<-p.done
	for range busyWorkers { // judgements under way discard their workers
		p.busy <- struct{}{}
	}
	for {
		select {
		case w := <-p.ready:
			p.discard(w)
		default:
			return
		}
	}
}

// supervise starts a worker for each need. Where it cannot, it tries again with
// a pause; when it failed three times in a row, those that wait are told.
func (p *pool) supervise() {
	defer close(p.done)
	pause, failed := 50*time.Millisecond, 0
	for {
		select {
		case <-p.ctx.Done():
			return
		case <-p.need:
		}
		w, err := p.launch()
		if failed++; err == nil {
			failed = 0
		}
		if err == nil || failed > 2 {
			p.mu.Lock()
			p.err = err
			p.mu.Unlock()
		}
		if err == nil {
			p.ready <- w
			pause = 50 * time.Millisecond
			continue
		}
		p.need <- struct{}{}
		select {
		case <-p.ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, 5*time.Second)
	}
}

// launch starts a worker and warms it with a statement.
func (p *pool) launch() (*worker, error) {
	w, err := startWorker(p.argv)
	if err != nil {
		return nil, err
	}
	w.timeout = p.timeout
	p.mu.Lock()
	p.all[w] = struct{}{}
	p.mu.Unlock()
	if p.ctx.Err() != nil { // Close may have looked before w was there
		p.discard(w)
		return nil, errClosed
	}
	if _, _, err := w.ask("select 1", false); err != nil {
		p.discard(w)
		return nil, fmt.Errorf("parser worker %q does not answer: %w", p.argv[0], err)
	}
	return w, nil
}

func (p *pool) discard(w *worker) {
	w.end()
	p.mu.Lock()
	delete(p.all, w)
	p.mu.Unlock()
}

// replace discards w and asks for another.
func (p *pool) replace(w *worker) {
	p.discard(w)
	p.need <- struct{}{}
}

// judge judges a text in a worker. Its errors: *syntaxError, errKilled, and
// others that say why no worker could be had.
func (p *pool) judge(ctx context.Context, text string) (*judgement, error) {
	status, reply, err := p.ask(ctx, text, false)
	if err != nil {
		return nil, err
	}
	var j judgement
	if err := json.Unmarshal(reply, &j); err != nil || status != statusJudged {
		return nil, fmt.Errorf("read a judgement of status %d: %w", status, err)
	}
	return &j, nil
}

// tree parses a text in a worker. Its errors are those of judge.
func (p *pool) tree(ctx context.Context, text string) (*pg.ParseResult, error) {
	status, reply, err := p.ask(ctx, text, true)
	if err != nil {
		return nil, err
	}
	var t pg.ParseResult
	if err := proto.Unmarshal(reply, &t); err != nil || status != statusTree {
		return nil, fmt.Errorf("read a tree of status %d: %w", status, err)
	}
	return &t, nil
}

// ask puts one request to a worker.
func (p *pool) ask(ctx context.Context, text string, tree bool) (status byte, reply []byte, err error) {
	p.warm()
	select {
	case p.busy <- struct{}{}:
	case <-ctx.Done():
		return 0, nil, context.Cause(ctx)
	case <-p.ctx.Done():
		return 0, nil, errClosed
	}
	defer func() { <-p.busy }()
	for {
		w, err := p.take(ctx)
		if err != nil {
			return 0, nil, err
		}
		status, reply, err := w.ask(text, tree)
		var syntax *syntaxError
		switch {
		case err == nil, errors.As(err, &syntax):
			p.ready <- w
			return status, reply, err
		case errors.Is(err, errStale):
			p.replace(w) // it had died before it saw the statement
			continue
		}
		p.replace(w)
		if p.ctx.Err() != nil {
			return 0, nil, errClosed
		}
		return 0, nil, fmt.Errorf("%w: %w", errKilled, err)
	}
}

// take waits for an idle worker, as long as there is hope for one.
func (p *pool) take(ctx context.Context) (*worker, error) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case w := <-p.ready:
			return w, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-p.ctx.Done():
			return nil, errClosed
		case <-tick.C:
			p.mu.Lock()
			err := p.err
			p.mu.Unlock()
			if err != nil {
				return nil, err
			}
		}
	}
}

// errStale: the worker was dead before the statement was written.
var errStale = errors.New("the parser worker had ended")

// worker is one child process. One goroutine at a time uses it.
type worker struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader

	timeout time.Duration
}

// startWorker executes argv with an empty environment and no standard error.
func startWorker(argv []string) (*worker, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = []string{}
	cmd.Dir = "/"
	cmd.SysProcAttr = workerAttr()
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start parser worker: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start parser worker: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start parser worker: %w", err)
	}
	return &worker{cmd: cmd, in: in, out: bufio.NewReaderSize(out, 32<<10), timeout: parseTimeout}, nil
}

func (w *worker) kill() { _ = w.cmd.Process.Kill() }

// end kills the process and waits for it, so that none becomes a zombie.
func (w *worker) end() {
	w.kill()
	_ = w.in.Close()
	_ = w.cmd.Wait()
}

// ask puts one request to the worker. A *syntaxError leaves it as it was; after
// any other error it must be replaced.
func (w *worker) ask(text string, tree bool) (status byte, reply []byte, err error) {
	timer := time.AfterFunc(w.timeout, w.kill)
	defer timer.Stop()
	n := uint32(len(text))
	if tree {
		n |= wantTree
	}
	request := append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(text)), n), text...)
	if _, err := w.in.Write(request); err != nil {
		return 0, nil, fmt.Errorf("%w: %w", errStale, err)
	}
	if status, err = w.out.ReadByte(); err != nil {
		return 0, nil, fmt.Errorf("no reply: %w", err)
	}
	if reply, err = readFrame(w.out, maxReply); err != nil {
		return 0, nil, err
	}
	switch status {
	case statusJudged, statusTree:
		return status, reply, nil
	case statusSyntax:
		var e syntaxError
		if err := json.Unmarshal(reply, &e); err != nil {
			return 0, nil, fmt.Errorf("read a syntax error: %w", err)
		}
		return status, nil, &e
	}
	return 0, nil, fmt.Errorf("reply with status %d", status)
}
