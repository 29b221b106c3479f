package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/internal/filefacts"
	"github.com/sallyport/sallyport/policy"
)

// filer is the files of containers, below /NAMESPACE/POD/CONTAINER. The folders above
// are the API's lists.
type filer struct{ c *Conn }

var (
	_ connectors.Copier = (*Conn)(nil)
	_ connectors.Filer  = filer{}
)

// Files are the containers' files, by programs that run in them: readlink, stat, find,
// tar to read, dd and mv to write. What a container answers is its own word.
func (c *Conn) Files() connectors.Filer { return filer{c} }

// place is a path in a container, or a folder above it.
type place struct {
	parts []string // namespace, pod, container: those that are given
	path  string   // in the container, absolute; "" above it
}

// Bounds of a path.
const (
	maxPath  = 4096
	maxParts = 128
)

func parsePlace(p string) (place, error) {
	if len(p) > maxPath || strings.ContainsRune(p, 0) || !path.IsAbs(p) || strings.Count(p, "/") > maxParts {
		return place{}, &connectors.TargetError{Code: "SSH_FX_BAD_MESSAGE", Text: "the path is too long, or none"}
	}
	parts := strings.SplitN(strings.Trim(path.Clean(p), "/"), "/", 4)
	at := place{parts: parts}
	if parts[0] == "" {
		at.parts = nil
	}
	if len(parts) > 3 {
		at.parts, at.path = parts[:3], "/"+parts[3]
	} else if len(parts) == 3 {
		at.path = "/"
	}
	for _, name := range at.parts {
		if !plainName(name) {
			return at, errNoFile
		}
	}
	return at, nil
}

// String is the path as it is judged.
func (p place) String() string {
	return path.Join("/", strings.Join(p.parts, "/"), p.path)
}

func (p place) inside() bool { return p.path != "" }

// with is another path of the same container.
func (p place) with(inner string) place { return place{p.parts, inner} }

// FileFacts judges an operation on files of containers by its text.
func FileFacts(text string) policy.Facts {
	call, err := filefacts.Parse(text)
	if err != nil {
		return policy.Facts{Why: err.Error()}
	}
	at, err := parsePlace(call.Path)
	switch {
	case err != nil:
		return policy.Facts{Why: err.Error()}
	case !at.inside():
		return policy.Facts{Why: "files are below /NAMESPACE/POD/CONTAINER"}
	}
	return factsOf(call, at)
}

// factsOf are those of the operation on the container's own path, under the path that
// names the container, too. Whatever it is, programs run in a workload for it: that
// is as dangerous as exec.
func factsOf(call connectors.FileCall, at place) policy.Facts {
	call.Path = at.path
	f := filefacts.Of(call, filefacts.Known{AskedPath: call.Path, AskedTo: call.To})
	f.Class, f.Why = inWorkload(f.Class, f.Why)
	for i := range f.Files { // each is judged by itself
		a := &f.Files[i]
		a.Path = at.with(a.Path).String()
		a.Class, a.Why = inWorkload(a.Class, a.Why)
	}
	f.Kubernetes = &policy.KubernetesCall{Verb: "create", Resource: "pods", Subresource: "exec", Namespace: at.parts[0], Name: at.parts[1]}
	return f
}

func inWorkload(c policy.Class, why string) (policy.Class, string) {
	const what = "copying files runs programs in a workload"
	if why == "" {
		return policy.Worst(c, policy.Dangerous), what
	}
	return policy.Worst(c, policy.Dangerous), what + "; " + why
}

func (f filer) operation(call connectors.FileCall, at place) connectors.Operation {
	call.Path = at.String()
	return connectors.Operation{Action: policy.ActionFile, Text: filefacts.Text(call), Facts: factsOf(call, at), Login: f.c.login}
}

var (
	errNoFile   error = &connectors.TargetError{Code: "SSH_FX_NO_SUCH_FILE", Text: "no such file or directory"}
	errDenied   error = &connectors.TargetError{Code: "SSH_FX_PERMISSION_DENIED", Text: "the container denies permission"}
	errNotPlain error = &connectors.TargetError{Code: "SSH_FX_FAILURE", Text: "it is no regular file"}
	errChanged  error = &connectors.TargetError{Code: "SSH_FX_FAILURE", Text: "what the path leads to changed meanwhile"}
)

// errWhole says what is done with the files of containers.
func errWhole(what string) error {
	return fmt.Errorf("%w: in a container files are listed, read and written whole; %s is done by exec", connectors.ErrUnsupported, what)
}

// done are the operations that are over when they return.
var done = map[connectors.FileVerb]func(filer, context.Context, place, connectors.FileCall) (connectors.FileAnswer, error){
	connectors.ListDir: filer.list, connectors.StatFile: filer.stat, connectors.LstatFile: filer.stat,
	connectors.ReadLink: filer.readLink, connectors.MakeDir: filer.makeDir, connectors.SetStat: filer.set,
}

// File does one operation that is over when it returns.
func (f filer) File(ctx context.Context, g connectors.Guard, call connectors.FileCall) (connectors.FileAnswer, error) {
	at, err := parsePlace(call.Path)
	if err != nil {
		return connectors.FileAnswer{}, err
	}
	if !at.inside() {
		return f.above(ctx, g, at, call)
	}
	run, ok := done[call.Do]
	if !ok {
		return connectors.FileAnswer{}, errWhole(string(call.Do))
	}
	p, err := g.Check(ctx, f.operation(call, at))
	if err != nil {
		return connectors.FileAnswer{}, err
	}
	ctx, end := f.c.bound(ctx)
	defer end(nil)
	if limit := p.Terms().Timeout; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, fmt.Errorf("the operation took longer than %s, which is the limit", limit))
		defer cancel()
	}
	a, err := run(f, ctx, at, call)
	p.Done(connectors.Outcome{Err: connectors.SafeError(p.Kept(), false, err), Rows: int64(len(a.Entries)), Affected: -1,
		Unknown: (call.Do == connectors.MakeDir || call.Do == connectors.SetStat) && isVanished(err)})
	return a, connectors.SafeError(p.Seen(), false, err)
}

// above answers for the folders above containers: that they may be there is no secret
// of the cluster's, and what is in them its API tells, as requests.
func (f filer) above(ctx context.Context, g connectors.Guard, at place, call connectors.FileCall) (connectors.FileAnswer, error) {
	switch call.Do {
	case connectors.StatFile, connectors.LstatFile:
		return connectors.FileAnswer{Info: folder(path.Base(at.String()))}, nil
	case connectors.ListDir:
	default:
		return connectors.FileAnswer{}, fmt.Errorf("%w: files are below /NAMESPACE/POD/CONTAINER", connectors.ErrUnsupported)
	}
	l := &job{c: f.c, ctx: ctx, g: g}
	names, err := l.below(at.parts)
	var a connectors.FileAnswer
	for _, n := range names {
		a.Entries = append(a.Entries, folder(n))
	}
	return a, err
}

// list lists a directory, and looks again where it is before anybody sees it.
func (f filer) list(ctx context.Context, at place, _ connectors.FileCall) (connectors.FileAnswer, error) {
	info, err := f.look(ctx, at, true)
	switch {
	case err != nil:
		return connectors.FileAnswer{}, err
	case !info.IsDir():
		return connectors.FileAnswer{}, &connectors.TargetError{Code: "SSH_FX_FAILURE", Text: "it is no directory"}
	}
	out := &held{most: maxListing}
	if err := f.tool(ctx, at, nil, out, "find", at.path, "-mindepth", "1", "-maxdepth", "1", "-exec", "stat", "-c", statForm+" %n", "{}", "+"); err != nil {
		return connectors.FileAnswer{}, err
	}
	all, err := parseListing(out.String(), at.path)
	if err != nil {
		return connectors.FileAnswer{}, err
	}
	return connectors.FileAnswer{Entries: all}, f.still(ctx, at)
}

func (f filer) stat(ctx context.Context, at place, call connectors.FileCall) (connectors.FileAnswer, error) {
	info, err := f.look(ctx, at, call.Do == connectors.StatFile)
	if err != nil {
		return connectors.FileAnswer{}, err
	}
	return connectors.FileAnswer{Info: info}, nil
}

func (f filer) readLink(ctx context.Context, at place, _ connectors.FileCall) (connectors.FileAnswer, error) {
	info, err := f.look(ctx, at, false)
	switch {
	case err != nil:
		return connectors.FileAnswer{}, err
	case info.Mode()&fs.ModeSymlink == 0:
		return connectors.FileAnswer{}, &connectors.TargetError{Code: "SSH_FX_FAILURE", Text: "it is no link"}
	}
	out := &held{most: maxPath + 1}
	err = f.tool(ctx, at, nil, out, "readlink", at.path)
	return connectors.FileAnswer{Text: strings.TrimSuffix(out.String(), "\n")}, err
}

func (f filer) makeDir(ctx context.Context, at place, call connectors.FileCall) (connectors.FileAnswer, error) {
	if err := f.straight(ctx, at.with(path.Dir(at.path))); err != nil {
		return connectors.FileAnswer{}, err
	}
	argv := []string{"mkdir", at.path}
	if m := call.Set.Mode; m != nil && m.Perm() != fs.ModePerm { // clients ask for all, and leave it to the target to take away
		argv = []string{"mkdir", "-m", fmt.Sprintf("%04o", m.Perm()), at.path}
	}
	return connectors.FileAnswer{}, f.tool(ctx, at, nil, nil, argv...)
}

func (f filer) set(ctx context.Context, at place, call connectors.FileCall) (connectors.FileAnswer, error) {
	if call.Set.Size != nil || call.Set.Unreadable {
		return connectors.FileAnswer{}, errWhole("cutting a file")
	}
	if err := f.straight(ctx, at); err != nil {
		return connectors.FileAnswer{}, err
	}
	return connectors.FileAnswer{}, f.change(ctx, at, call.Set)
}

// change sets attributes of a path that is no link.
func (f filer) change(ctx context.Context, at place, a connectors.FileAttributes) error {
	var all [][]string
	if a.Owner != nil {
		all = append(all, []string{"chown", fmt.Sprintf("%d:%d", a.Owner.User, a.Owner.Group), at.path})
	}
	if a.Mode != nil {
		all = append(all, []string{"chmod", fmt.Sprintf("%04o", octal(*a.Mode)), at.path})
	}
	if !a.Modified.IsZero() {
		all = append(all, []string{"touch", "-a", "-d", fmt.Sprintf("@%d", a.Accessed.Unix()), at.path}, []string{"touch", "-m", "-d", fmt.Sprintf("@%d", a.Modified.Unix()), at.path})
	}
	for _, argv := range all {
		if err := f.tool(ctx, at, nil, nil, argv...); err != nil {
			return err
		}
	}
	return nil
}

// octal is a mode as chmod takes it.
func octal(m fs.FileMode) uint32 {
	n := uint32(m.Perm())
	for bit, at := range map[fs.FileMode]uint32{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if m&bit != 0 {
			n |= at
		}
	}
	return n
}

// below are the names in a folder above containers.
func (l *job) below(parts []string) (out []string, err error) {
	take := func(b []byte) error {
		var list struct {
			Items []struct{ Metadata struct{ Name string } }
		}
		if json.Unmarshal(b, &list) != nil {
			return errNotJSON
		}
		for _, o := range list.Items {
			out = append(out, o.Metadata.Name)
		}
		return nil
	}
	const names = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
	switch len(parts) {
	case 0:
		err = l.pages(object{kind: kind{version: "v1", name: "namespaces"}}, names, take)
	case 1:
		l.f = flags{"-n": {parts[0]}}
		err = l.pages(object{kind: kind{version: "v1", name: "pods", namespaced: true}}, names, take)
	default:
		var b []byte
		if b, err = l.ask(request{method: "GET", target: "/api/v1/namespaces/" + parts[0] + "/pods/" + parts[1]}); err == nil {
			out, err = containersOf(b)
		}
	}
	slices.Sort(out)
	return slices.DeleteFunc(out, func(n string) bool { return !plainName(n) }), asFile(err)
}

// containersOf are the names of a pod's containers that may run.
func containersOf(b []byte) (out []string, err error) {
	type containers []struct{ Name string }
	var p struct {
		Spec struct{ Containers, InitContainers, EphemeralContainers containers }
	}
	if json.Unmarshal(b, &p) != nil {
		return nil, errNotJSON
	}
	for _, list := range []containers{p.Spec.Containers, p.Spec.InitContainers, p.Spec.EphemeralContainers} {
		for _, c := range list {
			out = append(out, c.Name)
		}
	}
	return out, nil
}

// asFile says that an object is not there as it is said of a file.
func asFile(err error) error {
	if missing(err) {
		return errNoFile
	}
	return err
}

// folder is a directory above containers.
type folder string

func (d folder) Name() string       { return string(d) }
func (d folder) Size() int64        { return 0 }
func (d folder) Mode() fs.FileMode  { return fs.ModeDir | 0o755 }
func (d folder) ModTime() time.Time { return time.Unix(0, 0) }
func (d folder) IsDir() bool        { return true }
func (d folder) Sys() any           { return nil }
