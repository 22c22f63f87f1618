// The thirty lines that a Go programmer writes over nats.go: a folder up or down, 64 files at once.
package main

import (
	"context"
	"log"
	"os"
	"path/filepath"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const atOnce = 64

func main() { // URL BUCKET put-all|get-all PREFIX FOLDER NAME...
	url, bucket, verb, prefix, folder, names := os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5], os.Args[6:]
	connection := must(nats.Connect(url))
	defer connection.Close()
	ctx := context.Background()
	store := must(must(jetstream.New(connection)).ObjectStore(ctx, bucket))
	work := make(chan string)
	var all sync.WaitGroup
	for range atOnce {
		all.Add(1)
		go func() {
			defer all.Done()
			for name := range work {
				key, path := prefix+"/"+name, filepath.Join(folder, name)
				if verb == "get-all" {
					check(store.GetFile(ctx, key, path))
					continue
				}
				file := must(os.Open(path))
				must(store.Put(ctx, jetstream.ObjectMeta{Name: key}, file))
				check(file.Close())
			}
		}()
	}
	for _, name := range names {
		work <- name
	}
	close(work)
	all.Wait()
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
