package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/spnego"
)

func main() {
	times, _ := strconv.Atoi(os.Args[2])
	web, err := signedIn()
	for ; times > 0; times-- {
		answer := ""
		if err == nil {
			answer, err = get(web, os.Args[1])
		}
		if err == nil {
			fmt.Println("answer", answer)
		} else {
			fmt.Printf("failed %T\n", err)
		}
	}
}

func signedIn() (*spnego.Client, error) {
	settings, err := config.Load(os.Getenv("KRB5_CONFIG"))
	if err != nil {
		return nil, err
	}
	tickets, err := credentials.LoadCCache(os.Getenv("KRB5CCNAME"))
	if err != nil {
		return nil, err
	}
	person, err := client.NewFromCCache(tickets, settings)
	if err != nil {
		return nil, err
	}
	return spnego.NewClient(person, nil, "HTTP/localhost"), nil
}

func get(web *spnego.Client, url string) (string, error) {
	response, err := web.Get(url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	line, _, _ := strings.Cut(string(body), "\n")
	return fmt.Sprint(response.StatusCode, " ", line), err
}
