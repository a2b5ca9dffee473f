package dev.callboard.bench;

import dev.callboard.testkit.TestCallboard;
import java.util.HexFormat;

/** The bodies of Fotor's callbacks, for task ids that the load chooses. */
final class Bodies {
    static final String IN_PROGRESS = TestCallboard.payload("fotor-video-in-progress");
    static final String FAILED = TestCallboard.payload("fotor-video-failed");
    static final String VIDEO = TestCallboard.payload("fotor-video-completed");
    /** Three images; with 1.3 KB, the longest. */
    static final String AVATAR = TestCallboard.payload("fotor-avatar-completed");

    private static final String TASK_ID = "\"taskId\": \"";
    private static final int MAX_LOAD = 255;

    private Bodies() {}

    /** An example with another task id. */
    static String of(String example, String taskId) {
        int at = example.indexOf(TASK_ID) + TASK_ID.length();
        return example.substring(0, at) + taskId + example.substring(example.indexOf('"', at));
    }

    /** What the n-th task becomes: every fifth an avatar, the others a video. */
    static String completed(String taskId, int n) {
        return of(n % 5 == 1 ? AVATAR : VIDEO, taskId);
    }

    /**
     * The id of the n-th task of a connection: 32 hexadecimal digits, as of a provider. They are spread over the indexes,
     * and the second half says whose task it is.
     *
     * @param load tells the loads of one database apart, from 0 to 255
     */
    static String taskId(int load, int connection, int n) {
        if (load < 0 || load > MAX_LOAD) {
            throw new IllegalArgumentException("load " + load);
        }
        long key = ((long) load << 56) | ((long) connection << 32) | n;
        return HexFormat.of().toHexDigits(spread(key)) + HexFormat.of().toHexDigits(key);
    }

    /** The second half of an id of {@link #taskId}, or -1 if it is none of this load. */
    static long key(int load, String taskId) {
        if (!taskId.matches("[0-9a-f]{32}")) {
            return -1;
        }
        long key = HexFormat.fromHexDigitsToLong(taskId, 16, 32);
        return key >>> 56 == load && HexFormat.fromHexDigitsToLong(taskId, 0, 16) == spread(key) ? key : -1;
    }

    static int connection(long key) {
        return (int) (key >>> 32) & 0xffff;
    }

    static int number(long key) {
        return (int) key;
    }

    /** A bijection whose values look random: the last step of MurmurHash3. */
    private static long spread(long key) {
        long mixed = (key ^ (key >>> 33)) * 0xff51afd7ed558ccdL;
        mixed = (mixed ^ (mixed >>> 33)) * 0xc4ceb9fe1a85ec53L;
        return mixed ^ (mixed >>> 33);
    }
}
