package kubernetes

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"k8s.io/client-go/tools/remotecommand"

	"github.com/sallyport/sallyport/connectors"
)

// Bounds of what programs in containers answer.
const (
	maxListing = 64 << 20
	maxLine    = 64 << 10
	maxSaid    = 4 << 10
)

// toolFailure is a program that ended badly, or was not there.
type toolFailure struct {
	program string
	code    int
	said    string // on stderr, in which only known words are looked for
}

func (t *toolFailure) Error() string { return fmt.Sprintf("%s ended with %d", t.program, t.code) }

func (t *toolFailure) says(words ...string) bool {
	for _, w := range words {
		if strings.Contains(t.said, w) {
			return true
		}
	}
	return false
}

// words is the failure in the protocol's words. What the program itself said of it is
// nobody's: it may quote anything.
func (t *toolFailure) words() error {
	switch {
	case t.code == 126 || t.code == 127 || t.says("executable file not found", "no such file or directory: unknown"):
		return &connectors.TargetError{Code: "SSH_FX_FAILURE", Text: "the container has no " + t.program + ", which copying files needs"}
	case t.says("No such file", "can't find", "Not a directory"):
		return errNoFile
	case t.says("Permission denied", "Operation not permitted"):
		return errDenied
	case t.says("File exists"):
		return &connectors.TargetError{Code: "SSH_FX_FAILURE", Text: "it is there already"}
	case t.says("No space left"):
		return &connectors.TargetError{Code: "SSH_FX_FAILURE", Text: "the container's disk is full"}
	case t.says("Read-only file system"):
		return &connectors.TargetError{Code: "SSH_FX_PERMISSION_DENIED", Text: "the container's file system is read-only"}
	}
	return &connectors.TargetError{Code: "SSH_FX_FAILURE", Text: "the container could not do it"}
}

// tool runs one program of the gate's own in a container, to its end, and says how it
// failed in the protocol's words. It is part of an operation that was permitted.
func (f filer) tool(ctx context.Context, at place, in io.Reader, out io.Writer, argv ...string) error {
	if failure, err := f.run(ctx, at, in, out, argv...); err != nil {
		return err
	} else if failure != nil {
		return failure.words()
	}
	return nil
}

// run is tool with how the program ended.
func (f filer) run(ctx context.Context, at place, in io.Reader, out io.Writer, argv ...string) (*toolFailure, error) {
	x, err := f.c.executor(program{namespace: at.parts[0], pod: at.parts[1], container: at.parts[2], argv: argv, stdin: in != nil})
	if err != nil {
		return nil, err
	}
	if out == nil {
		out = io.Discard
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	said := &head{most: maxSaid}
	// What is not taken ends the program: the library would read on, and throw it away.
	exit, _, err := ended(ctx, x.StreamWithContext(ctx, remotecommand.StreamOptions{Stdin: in, Stdout: &gate{w: out, fail: end}, Stderr: said}))
	var te *connectors.TargetError
	switch {
	case asTarget(err, &te) && te.Code == "NotFound", asTarget(err, &te) && te.Code == "BadRequest": // no such pod, or container
		return nil, errNoFile
	case asTarget(err, &te) && te.Code == "exec":
		return &toolFailure{program: argv[0], code: -1, said: te.Text}, nil
	case err != nil:
		return nil, err
	case exit.Code != 0:
		return &toolFailure{program: argv[0], code: exit.Code, said: said.String()}, nil
	}
	return nil, nil
}

// held is what a program wrote, which fails when it is too much.
type held struct {
	bytes.Buffer
	most int
}

func (h *held) Write(b []byte) (int, error) {
	if h.Len()+len(b) > h.most {
		return 0, errMuch
	}
	return h.Buffer.Write(b)
}

var errMuch error = &connectors.TargetError{Code: "SSH_FX_FAILURE", Text: "the container answers more than is taken"}

// head is the beginning of what was written.
type head struct {
	bytes.Buffer
	most int
}

func (h *head) Write(b []byte) (int, error) {
	h.Buffer.Write(b[:min(len(b), max(0, h.most-h.Len()))])
	return len(b), nil
}

// straight refuses a path that leads through a link: what was judged is the path. It
// names the one that is meant, for who may have it.
func (f filer) straight(ctx context.Context, at place) error {
	real, err := f.real(ctx, at)
	switch {
	case err != nil:
		return err
	case real != at.path:
		return &connectors.TargetError{Code: "SSH_FX_FAILURE", Text: "the path leads through a link, to " + strconv.QuoteToASCII(at.with(real).String()) + ": ask for that"}
	}
	return nil
}

// real is where a path leads by the container's own word.
func (f filer) real(ctx context.Context, at place) (string, error) {
	out := &held{most: maxPath + 2}
	failure, err := f.run(ctx, at, nil, out, "readlink", "-f", at.path)
	switch {
	case err != nil:
		return "", err
	case failure != nil && failure.code == 1: // it says nothing of why
		return "", errNoFile
	case failure != nil:
		return "", failure.words()
	}
	real := strings.TrimSuffix(out.String(), "\n")
	if !path.IsAbs(real) || path.Clean(real) != real || strings.ContainsRune(real, 0) {
		return "", fmt.Errorf("%w: the container gives what is no path", connectors.ErrProtocol)
	}
	return real, nil
}

// still looks again whether a path is what was judged.
func (f filer) still(ctx context.Context, at place) error {
	if real, err := f.real(ctx, at); err != nil || real != at.path {
		return errChanged
	}
	return nil
}

// statForm asks for mode, size, time and owner; GNU's and BusyBox's stat know it.
const statForm = "%f %s %Y %u %g"

// look tells what is at a path whose directory leads through no link; with follow, the
// path itself neither.
func (f filer) look(ctx context.Context, at place, follow bool) (fs.FileInfo, error) {
	way := at
	if !follow {
		way = at.with(path.Dir(at.path))
	}
	if err := f.straight(ctx, way); err != nil {
		return nil, err
	}
	out := &held{most: maxLine}
	if err := f.tool(ctx, at, nil, out, "stat", "-c", statForm, at.path); err != nil {
		return nil, err
	}
	info, rest, ok := parseStat(strings.TrimSuffix(out.String(), "\n"))
	if !ok || rest != "" {
		return nil, errNoStat
	}
	info.name = path.Base(at.path)
	return info, nil
}

var errNoStat = fmt.Errorf("%w: what the container tells of its files cannot be read", connectors.ErrProtocol)

// fileInfo is what a container tells of a file.
type fileInfo struct {
	name        string
	mode        fs.FileMode
	size        int64
	changed     time.Time
	user, group int
}

func (i fileInfo) Name() string       { return i.name }
func (i fileInfo) Size() int64        { return i.size }
func (i fileInfo) Mode() fs.FileMode  { return i.mode }
func (i fileInfo) ModTime() time.Time { return i.changed }
func (i fileInfo) IsDir() bool        { return i.mode.IsDir() }
func (i fileInfo) Sys() any           { return &connectors.FileOwner{User: i.user, Group: i.group} }

var statLine = regexp.MustCompile(`^([0-9a-f]{1,8}) ([0-9]{1,18}) (-?[0-9]{1,12}) ([0-9]{1,10}) ([0-9]{1,10})(?: |$)`)

// parseStat reads a line in statForm; rest is what stands behind it.
func parseStat(line string) (info fileInfo, rest string, ok bool) {
	m := statLine.FindStringSubmatch(line)
	if m == nil {
		return info, "", false
	}
	var n [5]int64
	for i, base := range []int{16, 10, 10, 10, 10} {
		v, err := strconv.ParseInt(m[i+1], base, 64)
		if err != nil {
			return info, "", false
		}
		n[i] = v
	}
	return fileInfo{mode: modeOf(uint32(n[0])), size: n[1], changed: time.Unix(n[2], 0), user: int(n[3]), group: int(n[4])}, line[len(m[0]):], true
}

// modeOf is a mode of stat(2).
func modeOf(n uint32) fs.FileMode {
	m := fs.FileMode(n & 0o777)
	for bit, to := range map[uint32]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if n&bit != 0 {
			m |= to
		}
	}
	switch n & 0o170000 {
	case 0o100000:
	case 0o040000:
		m |= fs.ModeDir
	case 0o120000:
		m |= fs.ModeSymlink
	case 0o010000:
		m |= fs.ModeNamedPipe
	case 0o140000:
		m |= fs.ModeSocket
	case 0o020000:
		m |= fs.ModeDevice | fs.ModeCharDevice
	case 0o060000:
		m |= fs.ModeDevice
	default:
		m |= fs.ModeIrregular
	}
	return m
}

// parseListing reads what find and stat say of a directory. A line that is none
// belongs to the name before it; a name that looks like a line is the container's own
// doing, and leads nowhere.
func parseListing(text, dir string) ([]fs.FileInfo, error) {
	var all []fileInfo
	for line := range strings.Lines(text) {
		info, name, ok := parseStat(line)
		if !ok {
			if len(all) == 0 {
				return nil, errNoStat
			}
			all[len(all)-1].name += line
			continue
		}
		info.name = name
		all = append(all, info)
	}
	out := make([]fs.FileInfo, 0, len(all))
	prefix := strings.TrimSuffix(dir, "/") + "/"
	for _, i := range all {
		name, ok := strings.CutPrefix(strings.TrimSuffix(i.name, "\n"), prefix)
		if !ok || name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
			return nil, errNoStat
		}
		i.name = name
		out = append(out, i)
	}
	return out, nil
}
