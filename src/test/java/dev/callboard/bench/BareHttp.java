package dev.callboard.bench;

import io.vertx.core.Vertx;

/**
 * The limit of the HTTP server that Callboard is built on: reads the body of each request and answers 200. Like Callboard's,
 * its connections share one event loop.
 */
final class BareHttp {
    private BareHttp() {}

    public static void main(String[] args) {
        Vertx.vertx()
                .createHttpServer()
                .requestHandler(request ->
                        request.body().onSuccess(body -> request.response().end()))
                .listen(Integer.parseInt(System.getenv("CALLBOARD_HTTP_PORT")), "127.0.0.1");
    }
}
