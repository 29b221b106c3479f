// Package ferretserver answers: where does something that speaks MongoDB's protocol
// come from, for tests?
//
// It is FerretDB over SQLite and not MongoDB: there are no views, no $lookup, no killOp,
// currentOp is empty, and a login is not bounded by roles. What MongoDB does otherwise
// is tested over the wire, with answers from its documentation. The program is built by
// testdata/ferret/build.sh, once. It imports nothing of Sallyport.
package ferretserver
