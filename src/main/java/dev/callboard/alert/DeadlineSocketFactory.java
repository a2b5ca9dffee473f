package dev.callboard.alert;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import javax.net.SocketFactory;

/**
 * Creates sockets that are closed after a time limit, even while data arrives. The mail library's timeouts apply to a
 * single read: a server that sends one byte after the other never exceeds them. One daemon thread serves all sockets. Safe
 * for any number of threads, each of which has one connection at a time.
 */
final class DeadlineSocketFactory extends SocketFactory {
    /** The latest connection of each thread. */
    private static final ThreadLocal<DeadlineSocket> LATEST = new ThreadLocal<>();

    private final Duration timeout;
    private final ScheduledThreadPoolExecutor timer;
    private final Set<DeadlineSocket> open = ConcurrentHashMap.newKeySet();
    private Optional<Duration> stopTimeout = Optional.empty();

    DeadlineSocketFactory(Duration timeout) {
        this.timeout = timeout;
        this.timer = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, "mail-deadline");
            thread.setDaemon(true);
            return thread;
        });
        timer.setKeepAliveTime(10, TimeUnit.SECONDS);
        timer.allowCoreThreadTimeOut(true);
        timer.setRemoveOnCancelPolicy(true);
    }

    @Override
    public Socket createSocket() {
        DeadlineSocket socket = new DeadlineSocket();
        open.add(socket);
        LATEST.set(socket);
        limit(socket, timeout);
        return socket;
    }

    @Override
    public Socket createSocket(String host, int port) throws IOException {
        return connected(new InetSocketAddress(host, port));
    }

    @Override
    public Socket createSocket(String host, int port, InetAddress localHost, int localPort) throws IOException {
        return connected(new InetSocketAddress(host, port));
    }

    @Override
    public Socket createSocket(InetAddress host, int port) throws IOException {
        return connected(new InetSocketAddress(host, port));
    }

    @Override
    public Socket createSocket(InetAddress address, int port, InetAddress localAddress, int localPort)
            throws IOException {
        return connected(new InetSocketAddress(address, port));
    }

    private Socket connected(InetSocketAddress address) throws IOException {
        Socket socket = createSocket();
        socket.connect(address);
        return socket;
    }

    /**
     * Allows the latest connection of this thread so much time from now on, for all that still arrives and for each part of
     * it.
     */
    void awaitAnswer(Duration atMost) throws IOException {
        DeadlineSocket socket = LATEST.get();
        socket.setSoTimeout((int) atMost.toMillis());
        limit(socket, atMost);
    }

    /** Closes all connections after so much time, those that are created later too. */
    synchronized void closeWithin(Duration atMost) {
        stopTimeout = Optional.of(atMost);
        open.forEach(socket -> limit(socket, atMost));
    }

    private synchronized void limit(DeadlineSocket socket, Duration atMost) {
        Duration limit = stopTimeout.filter(stop -> stop.compareTo(atMost) < 0).orElse(atMost);
        socket.end.cancel(false);
        socket.end = timer.schedule(socket::expire, limit.toMillis(), TimeUnit.MILLISECONDS);
    }

    private final class DeadlineSocket extends Socket {
        private volatile Future<?> end = CompletableFuture.completedFuture(null);

        private void expire() {
            try {
                close();
            } catch (IOException e) {
                // The socket is not used any more either way.
            }
        }

        @Override
        public synchronized void close() throws IOException {
            // It is null while the constructor of the superclass runs.
            if (end != null) {
                end.cancel(false);
                open.remove(this);
            }
            super.close();
        }
    }
}
