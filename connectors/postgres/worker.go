package postgres

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"
)

// WorkerArgument is the one argument with which the binary re-executes itself
// as a parser worker. The composition root looks for it before anything else:
//
//	if len(os.Args) == 2 && os.Args[1] == postgres.WorkerArgument {
//		postgres.ParserWorker(os.Stdin, os.Stdout)
//		return
//	}
const WorkerArgument = "postgres-parser-worker"

// maxText bounds a statement, maxReply what a worker may answer, both in bytes.
const (
	maxText  = 1 << 20
	maxReply = 8 << 20
)

const (
	statusJudged = 0
	statusSyntax = 1
	statusTree   = 2
)

// wantTree is set in the length of a request that asks for the parser's tree
// instead of a judgement.
const wantTree = 1 << 31

// syntaxError is the parser's own complaint about a text.
type syntaxError struct {
	Message string `json:"message"`
	// Position is the 1-based character it points at, 0 for none.
	Position int `json:"position,omitempty"`
}

func (e *syntaxError) Error() string { return e.Message }

// grammarError tells the grammar's refusals from everything else that the
// parser can fail with, such as want of memory or of stack: those end a worker.
func grammarError(message, file string, position int) error {
	for _, f := range []string{"gram.y", "scan.l", "parser.c", "scansup.c", "scan.c", "gram.c"} {
		if strings.HasSuffix(file, f) && !strings.Contains(message, "memory") {
			return &syntaxError{Message: message, Position: position}
		}
	}
	return fmt.Errorf("parser failed in %q: %s", file, message)
}

// ParserWorker answers frames from in on out until in ends, and returns the
// error that ended it otherwise: the process must exit then. It limits the
// process it runs in, so call it only from one that does nothing else. The
// format is in the package's doc.
func ParserWorker(in io.Reader, out io.Writer) error {
	if err := limitProcess(); err != nil {
		return fmt.Errorf("limit the parser worker: %w", err)
	}
	debug.SetTraceback("none") // a crash must not print a statement
	return serveFrames(in, out, judgeText, readTree)
}

func serveFrames(in io.Reader, out io.Writer, judge func(string) (*judgement, error), parse func(string) ([]byte, error)) error {
	r, w := bufio.NewReader(in), bufio.NewWriter(out)
	for {
		text, tree, err := readRequest(r)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		// The parent's kill timer does not outlive the parent; this one does.
		suicide := time.AfterFunc(2*parseTimeout, func() { os.Exit(3) })
		status, reply, err := answer(string(text), tree, judge, parse)
		suicide.Stop()
		if err != nil {
			return err
		}
		_ = w.WriteByte(status) // its error stays with w until Flush
		if err := writeFrame(w, reply); err != nil {
			return err
		}
	}
}

// answer is the reply to one request. Its error ends the worker.
func answer(text string, tree bool, judge func(string) (*judgement, error), parse func(string) ([]byte, error)) (status byte, reply []byte, err error) {
	if tree {
		status = statusTree
		reply, err = parse(text)
		if len(reply) > maxReply {
			reply = nil // an empty tree is not understood
		}
	} else {
		var j *judgement
		if j, err = judge(text); err == nil {
			reply, err = json.Marshal(j)
		}
	}
	var syntax *syntaxError
	if errors.As(err, &syntax) {
		status = statusSyntax
		reply, err = json.Marshal(syntax)
	}
	return status, reply, err
}

// readRequest reads a frame whose length also says what is asked for.
func readRequest(r io.Reader) (text []byte, tree bool, err error) {
	var h [4]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return nil, false, err
	}
	n := binary.BigEndian.Uint32(h[:])
	text, err = readBody(r, n&^wantTree, maxText)
	return text, n&wantTree != 0, err
}

func readFrame(r io.Reader, limit uint32) ([]byte, error) {
	var h [4]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return nil, err
	}
	return readBody(r, binary.BigEndian.Uint32(h[:]), limit)
}

func readBody(r io.Reader, n, limit uint32) ([]byte, error) {
	if n > limit {
		return nil, fmt.Errorf("frame of %d bytes, %d allowed", n, limit)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, fmt.Errorf("frame ends early: %w", io.ErrUnexpectedEOF)
	}
	return b, nil
}

func writeFrame(w *bufio.Writer, b []byte) error {
	var h [4]byte
	binary.BigEndian.PutUint32(h[:], uint32(len(b)))
	_, _ = w.Write(h[:])
	_, _ = w.Write(b)
	return w.Flush()
}

// refused says why a text is not even given to a parser, or "".
func refused(text string) string {
	switch {
	case len(text) > maxText:
		return fmt.Sprintf("the statement has %d bytes; at most %d are judged", len(text), maxText)
	case !utf8.ValidString(text):
		return "the statement is not valid UTF-8"
	case strings.IndexByte(text, 0) >= 0:
		return "the statement holds a NUL byte"
	}
	return ""
}
