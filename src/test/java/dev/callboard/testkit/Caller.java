package dev.callboard.testkit;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * A minimal HTTP client that sends callbacks over one persistent connection, and leaves the processors to what is
 * measured on the same machine. For use by one thread.
 */
public final class Caller implements AutoCloseable {
    private static final int TIMEOUT_MS = 40_000;

    private final int port;
    private Socket socket;
    private InputStream in;
    private boolean retryAfter;

    public Caller(int port) {
        this.port = port;
    }

    /**
     * Sends a callback. If the answer says so, the connection is closed, and the next call opens a new one.
     *
     * @return the status code
     * @throws IOException if there was no answer; the next call opens a new connection
     */
    public int post(String provider, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        String head =
                "POST /callbacks/" + provider + " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                        + "Content-Length: " + bytes.length + "\r\n\r\n";
        byte[] request = new byte[head.length() + bytes.length];
        System.arraycopy(head.getBytes(StandardCharsets.US_ASCII), 0, request, 0, head.length());
        System.arraycopy(bytes, 0, request, head.length(), bytes.length);
        try {
            if (socket == null) {
                connect();
            }
            socket.getOutputStream().write(request);
            return readAnswer();
        } catch (IOException e) {
            close();
            throw e;
        }
    }

    /** Whether the last answer has closed the connection. */
    public boolean isClosed() {
        return socket == null;
    }

    /** Whether the last answer had a Retry-After. */
    public boolean retryAfter() {
        return retryAfter;
    }

    private void connect() throws IOException {
        socket = new Socket();
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(TIMEOUT_MS);
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), TIMEOUT_MS);
        in = new BufferedInputStream(socket.getInputStream());
    }

    private int readAnswer() throws IOException {
        int status = Integer.parseInt(readLine().split(" ", 3)[1]);
        int length = 0;
        boolean chunked = false;
        boolean last = false;
        retryAfter = false;
        for (String line = readLine(); !line.isEmpty(); line = readLine()) {
            String header = line.toLowerCase(Locale.ROOT);
            if (header.startsWith("content-length:")) {
                length = Integer.parseInt(
                        header.substring("content-length:".length()).strip());
            } else if (header.startsWith("transfer-encoding:")) {
                chunked = true;
            } else if (header.startsWith("retry-after:")) {
                retryAfter = true;
            } else if (header.equals("connection: close")) {
                last = true;
            }
        }
        if (chunked) {
            do {
                length = Integer.parseInt(readLine(), 16);
                in.skipNBytes(length);
                readLine();
            } while (length > 0);
        } else {
            in.skipNBytes(length);
        }
        if (last) {
            close();
        }
        return status;
    }

    private String readLine() throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c = in.read(); c != '\n'; c = in.read()) {
            if (c < 0) {
                throw new EOFException("the connection was closed");
            }
            if (c != '\r') {
                line.append((char) c);
            }
        }
        return line.toString();
    }

    @Override
    public void close() {
        if (socket != null) {
            try {
                socket.close();
            } catch (IOException e) {
                // The connection is not used again.
            }
            socket = null;
        }
    }
}
