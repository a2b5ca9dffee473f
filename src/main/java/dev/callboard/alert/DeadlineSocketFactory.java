package dev.callboard.alert;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import javax.net.SocketFactory;

/**
 * Creates sockets that are closed after a time limit, even while data arrives. The mail library's timeouts apply to a
 * single read: a server that sends one byte after the other never exceeds them, and would hold up all mails. One daemon
 * thread serves all sockets.
 */
final class DeadlineSocketFactory extends SocketFactory {
    private final Duration timeout;
    private final ScheduledThreadPoolExecutor timer;

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
        return new DeadlineSocket();
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

    private final class DeadlineSocket extends Socket {
        private final ScheduledFuture<?> end = timer.schedule(this::expire, timeout.toMillis(), TimeUnit.MILLISECONDS);

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
            }
            super.close();
        }
    }
}
