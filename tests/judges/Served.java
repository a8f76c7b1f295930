import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * Keeps a judge for all checks of a run: CLASS PORT_FILE. A start costs ten times what a check costs.
 *
 * A caller on loopback sends the words of the judge's command line, a line each, and ends its side. It gets what the judge
 * prints; of a failure a line that begins with "!".
 */
public final class Served {
    public static void main(String[] arguments) throws Exception {
        Method judge = Class.forName(arguments[0]).getMethod("main", String[].class);
        try (ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            Path told = Path.of(arguments[1]);
            Path half = Path.of(arguments[1] + ".half");
            Files.writeString(half, String.valueOf(server.getLocalPort()));
            Files.move(half, told, StandardCopyOption.ATOMIC_MOVE);
            while (true) {
                try (Socket caller = server.accept()) {
                    String asked = new String(caller.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                    caller.getOutputStream().write(said(judge, asked.split("\n")));
                } catch (IOException gone) {
                    System.err.println("a caller went away: " + gone);
                }
            }
        }
    }

    /** One check after the other: a judge prints to the one standard output. */
    private static byte[] said(Method judge, String[] words) throws IllegalAccessException {
        ByteArrayOutputStream told = new ByteArrayOutputStream();
        PrintStream before = System.out;
        System.setOut(new PrintStream(told, true, StandardCharsets.UTF_8));
        try {
            judge.invoke(null, (Object) words);
        } catch (InvocationTargetException failed) {
            System.out.println("\n! " + failed.getCause());
        } finally {
            System.out.flush();
            System.setOut(before);
        }
        return told.toByteArray();
    }
}
