package tui

import (
	"strings"

	"github.com/sallyport/sallyport/tui/widget"
)

var mongodbLanguage = language{
	name: "MongoDB", statement: "command", catalog: "Collections",
	example: "db.collection.find({ " + widget.Ellipsis + " }) and enter runs it",
	key:     "enter", runs: "A command runs with enter once its brackets are closed, or with ctrl+j.",
	ends:     endsBalanced,
	database: true,
	colour:   widget.HighlightShell,
	words: strings.Fields(`db find findOne insertOne insertMany updateOne updateMany replaceOne deleteOne deleteMany countDocuments
 getCollection runCommand aggregate count createIndexes delete deletes distinct drop dropIndexes explain filter
 findAndModify hint insert documents key limit
 listCollections listIndexes pipeline projection query skip sort update
 updates $and $avg $count $elemMatch $eq $exists $expr $gt $gte $group $in $limit $lookup $lt $lte $match $max $min $ne
 $nin $not $or $project $push $regex $set $size $skip $sort $sum $type $unset $unwind`),
}
