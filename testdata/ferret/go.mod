// What the tests of the kind mongodb run against: FerretDB, which speaks MongoDB's wire
// protocol over SQLite. It is not MongoDB. A module of its own, so that none of it is
// among the product's dependencies; build.sh builds it with the versions that it pins.
module github.com/sallyport/sallyport/testdata/ferret

go 1.26.0

require github.com/FerretDB/FerretDB v1.24.2 // indirect
