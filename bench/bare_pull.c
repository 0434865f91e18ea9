/*
 * bare_pull.c - what cannot be done with less: libcurl, sha256, pwrite, fsync. The measure of
 *hakim.
 *
 *	bare_pull FILE TOTAL JOBS URL OFFSET...
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <curl/curl.h>
#include <openssl/evp.h>

#define BLOBS 64

struct blob {
	EVP_MD_CTX *hash;
	off_t at;
};

static int fd;

static size_t take(char *bytes, size_t size, size_t n, void *arg)
{
	struct blob *blob = arg;

	EVP_DigestUpdate(blob->hash, bytes, size * n);
	if (pwrite(fd, bytes, size * n, blob->at) != (ssize_t)(size * n))
		return 0;
	blob->at += (off_t)(size * n);
	return size * n;
}

static void begin(CURLM *multi, struct blob *blob, const char *url, const char *offset)
{
	CURL *easy = curl_easy_init();

	blob->hash = EVP_MD_CTX_new();
	EVP_DigestInit_ex(blob->hash, EVP_sha256(), NULL);
	blob->at = (off_t)strtoll(offset, NULL, 10);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, blob);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 262144L);
	curl_multi_add_handle(multi, easy);
}

static int ended(CURLM *multi)
{
	CURLMsg *message;
	int left;
	int n = 0;

	while ((message = curl_multi_info_read(multi, &left)) != NULL) {
		if (message->data.result != CURLE_OK)
			exit(1);
		curl_multi_remove_handle(multi, message->easy_handle);
		n++;
	}
	return n;
}

int main(int argc, char **argv)
{
	static struct blob blobs[BLOBS];
	CURLM *multi = curl_multi_init();
	int n = (argc - 4) / 2;
	int next = 0;
	int running = 0;
	int still;

	if (argc < 6 || n > BLOBS)
		return 2;
	fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || fallocate(fd, 0, 0, (off_t)strtoll(argv[2], NULL, 10)) < 0)
		return 1;
	while (next < n || running) {
		for (; next < n && running < atoi(argv[3]); next++, running++)
			begin(multi, &blobs[next], argv[4 + 2 * next], argv[5 + 2 * next]);
		curl_multi_perform(multi, &still);
		running -= ended(multi);
		if (running)
			curl_multi_poll(multi, NULL, 0, 200, NULL);
	}
	for (int i = 0; i < n; i++) {
		unsigned char digest[EVP_MAX_MD_SIZE];

		EVP_DigestFinal_ex(blobs[i].hash, digest, NULL);
	}
	return fsync(fd) < 0;
}
