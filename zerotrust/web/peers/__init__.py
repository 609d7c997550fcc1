"""Who says who the peer of a connection is: the server's own TLS connection, or a hop that ends TLS in front of it."""

from zerotrust.web.peers.clouds import (
    alb_passthrough,
    alb_verify,
    azure_app_service,
    cloudflare,
    cloudfront,
    cloudfront_passthrough,
)
from zerotrust.web.peers.contract import Connection, Peers
from zerotrust.web.peers.format import Format
from zerotrust.web.peers.from_hops import FromHops
from zerotrust.web.peers.hop import Hop, HopCertificate, HopSecret
from zerotrust.web.peers.meshes import istio, linkerd, xfcc
from zerotrust.web.peers.proxies import apache, caddy, haproxy, ingress_nginx, nginx, openshift, rfc9440, traefik
from zerotrust.web.peers.tls import TlsPeer

__all__ = [
    "Connection",
    "Format",
    "FromHops",
    "Hop",
    "HopCertificate",
    "HopSecret",
    "Peers",
    "TlsPeer",
    "alb_passthrough",
    "alb_verify",
    "apache",
    "azure_app_service",
    "caddy",
    "cloudflare",
    "cloudfront",
    "cloudfront_passthrough",
    "haproxy",
    "ingress_nginx",
    "istio",
    "linkerd",
    "nginx",
    "openshift",
    "rfc9440",
    "traefik",
    "xfcc",
]
