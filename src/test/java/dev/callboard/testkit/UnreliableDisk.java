package dev.callboard.testkit;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.h2.store.fs.FileBase;
import org.h2.store.fs.FilePath;
import org.h2.store.fs.FilePathWrapper;

/**
 * A file system for H2 that simulates a full disk and a loss of power; its URLs begin with {@code jdbc:h2:unreliable:}. The
 * contents that H2 has synced are copied to a file of the same name with {@code .forced}: what a loss of power would leave.
 */
public final class UnreliableDisk extends FilePathWrapper {
    private static final String NONE = "no file";

    private static volatile String full = NONE;
    private static volatile boolean keepsForced;
    private static volatile int writeMillis;

    public static void install() {
        FilePath.register(new UnreliableDisk());
    }

    public static void setFull(boolean full) {
        UnreliableDisk.full = full ? "" : NONE;
    }

    /** Simulates a full disk for files whose names end with this. */
    public static void setFullFor(String end) {
        UnreliableDisk.full = end;
    }

    public static void setKeepsForced(boolean keepsForced) {
        UnreliableDisk.keepsForced = keepsForced;
    }

    /** Makes each write take at least so long. */
    public static void setWriteMillis(int milliseconds) {
        writeMillis = milliseconds;
    }

    @Override
    public String getScheme() {
        return "unreliable";
    }

    @Override
    public FileChannel open(String mode) throws IOException {
        return new Channel(super.open(mode), Path.of(getBase().toString()));
    }

    private static final class Channel extends FileBase {
        private final FileChannel file;
        private final Path path;

        Channel(FileChannel file, Path path) {
            this.file = file;
            this.path = path;
        }

        private void failIfFull() throws IOException {
            if (path.toString().endsWith(full)) {
                throw new IOException("No space left on device");
            }
        }

        @Override
        public int write(ByteBuffer source) throws IOException {
            failIfFull();
            return file.write(source);
        }

        @Override
        public synchronized int write(ByteBuffer source, long position) throws IOException {
            failIfFull();
            if (writeMillis > 0) {
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(writeMillis));
            }
            return file.write(source, position);
        }

        @Override
        public void force(boolean metaData) throws IOException {
            failIfFull();
            file.force(metaData);
            if (keepsForced) {
                Files.copy(path, Path.of(path + ".forced"), StandardCopyOption.REPLACE_EXISTING);
            }
        }

        @Override
        public int read(ByteBuffer destination) throws IOException {
            return file.read(destination);
        }

        @Override
        public synchronized int read(ByteBuffer destination, long position) throws IOException {
            return file.read(destination, position);
        }

        @Override
        public long position() throws IOException {
            return file.position();
        }

        @Override
        public FileChannel position(long position) throws IOException {
            file.position(position);
            return this;
        }

        @Override
        public long size() throws IOException {
            return file.size();
        }

        @Override
        public FileChannel truncate(long size) throws IOException {
            file.truncate(size);
            return this;
        }

        @Override
        public FileLock tryLock(long position, long size, boolean shared) throws IOException {
            return file.tryLock(position, size, shared);
        }

        @Override
        protected void implCloseChannel() throws IOException {
            file.close();
        }
    }
}
