#!/bin/sh
# .NET's SDK is in no Debian: Microsoft's tarball, and what it links of Debian.
set -eu
# shellcheck disable=SC1091  # the Dockerfile copies it there
. /tmp/hakim/recipe.sh

apt_install libicu76 libgssapi-krb5-2 zlib1g

if downloads ".NET SDK $DOTNET_SDK_VERSION"; then
	download "$DOTNET_SDK_URL/$DOTNET_SDK_VERSION/dotnet-sdk-$DOTNET_SDK_VERSION-linux-$(machine x64 arm64).tar.gz" \
		"$(machine "$DOTNET_SDK_SHA512_AMD64" "$DOTNET_SDK_SHA512_ARM64")" /tmp/hakim/dotnet.tar.gz
	mkdir -p /usr/share/dotnet
	tar -C /usr/share/dotnet --no-same-owner -xzf /tmp/hakim/dotnet.tar.gz
	ln -s ../share/dotnet/dotnet /usr/bin/dotnet
fi
tidy
