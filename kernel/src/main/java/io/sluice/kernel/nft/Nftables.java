// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.nft;

import io.sluice.kernel.bpf.KernelException;
import io.sluice.kernel.sys.Errno;
import io.sluice.kernel.sys.Libc;
import io.sluice.kernel.sys.Netns;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.regex.Pattern;
import jnr.ffi.Pointer;

/**
 * nftables of one network namespace, through libnftables.
 *
 * <p>Thread-safe: commands run one after the other. Each call is one transaction: all of it comes
 * into force at once, or nothing does.
 */
public final class Nftables implements AutoCloseable {
  private static final int JSON = 1 << 4;
  private static final int TEXT = 0;
  private static final int AF_NETLINK = 16;
  private static final int SOCK_RAW_CLOEXEC = 3 | 0x80000;
  private static final int NETLINK_NETFILTER = 12;
  private static final int MFD_CLOEXEC = 1;
  private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_.-]*");

  private final LibNftables library = LibNftables.get();
  private Pointer context;

  /** Families of tables. */
  public enum TableFamily {
    IP,
    IP6,
    INET,
    ARP,
    BRIDGE,
    NETDEV;

    /** As the ruleset language writes it. */
    public String keyword() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private Nftables() {
    requireNetfilter();
    context = library.nft_ctx_new(0);
    if (context == null) {
      throw new NftException("libnftables has no context for us: out of memory?");
    }
    library.nft_ctx_buffer_output(context);
    library.nft_ctx_buffer_error(context);
  }

  /**
   * For the calling thread's network namespace.
   *
   * @throws KernelException if the kernel has no nfnetlink
   */
  public static Nftables open() {
    return new Nftables();
  }

  /**
   * For another network namespace, which may be closed afterwards. Rulesets must name interfaces by
   * {@code iifname} and {@code oifname}: libnftables turns the names in {@code iif} and {@code oif}
   * into indexes of the calling thread's namespace.
   */
  public static Nftables open(Netns netns) {
    return netns.run(Nftables::open);
  }

  /** libnftables ends the whole process when it cannot open its socket: ask the kernel first. */
  private static void requireNetfilter() {
    int fd = Libc.get().socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_NETFILTER);
    Libc.check("open nfnetlink socket (nf_tables)", fd);
    Libc.get().close(fd);
  }

  /**
   * Applies commands of the ruleset language in one transaction.
   *
   * @param ruleset as for {@code nft -f}; a table's whole new content is "table inet t {}", "flush
   *     table inet t" and its definition, in one call
   * @throws NftException if anything in it is refused; then nothing has changed
   */
  public void apply(String ruleset) {
    run("apply ruleset", ruleset, TEXT);
  }

  /**
   * Lists a part of the ruleset as JSON of the libnftables-json(5) schema.
   *
   * @param what what follows "list": "tables", "table inet sluice", "ruleset"
   * @throws NftException if it does not exist
   */
  public String list(String what) {
    return run("list " + what, "list " + what, JSON);
  }

  /** Like {@link #list}, in the ruleset language. */
  public String listText(String what) {
    return run("list " + what, "list " + what, TEXT);
  }

  /** Whether there is a table of this family and name. */
  public boolean hasTable(TableFamily family, String table) {
    String wanted = "table " + family.keyword() + " " + checked(table);
    return listText("tables").lines().anyMatch(wanted::equals);
  }

  /** Deletes a table with all that is in it. No error if there is none. */
  public void deleteTable(TableFamily family, String table) {
    // "add" does nothing to a table that exists; "destroy" needs Linux 6.3.
    String name = family.keyword() + " " + checked(table);
    run("delete table " + name, "add table " + name + "\ndelete table " + name + "\n", TEXT);
  }

  private static String checked(String name) {
    if (!NAME.matcher(name).matches()) {
      throw new IllegalArgumentException("not a name for a table: " + name);
    }
    return name;
  }

  private synchronized String run(String what, String commands, int flags) {
    if (context == null) {
      throw new IllegalStateException("nftables context is closed");
    }
    library.nft_ctx_output_set_flags(context, flags);
    // Not nft_run_cmd_from_buffer: its complaints name no line, and quote the first one.
    int fd = memory(what, commands);
    String file = "/proc/self/fd/" + fd;
    int result = library.nft_run_cmd_from_filename(context, file);
    Libc.get().close(fd);
    String output = library.nft_ctx_get_output_buffer(context);
    String error = library.nft_ctx_get_error_buffer(context);
    if (result != 0) {
      throw new NftException(what + ": " + explain(error.replace(file + ":", "line ")));
    }
    return output;
  }

  /** A file without a name that holds the text. */
  private static int memory(String what, String text) {
    int fd = Libc.get().memfd_create("nft", MFD_CLOEXEC);
    Libc.check(what, fd);
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    ByteBuffer buffer = ByteBuffer.allocate(bytes.length).put(bytes).flip();
    while (buffer.hasRemaining()) {
      long written = Libc.get().write(fd, buffer, buffer.remaining());
      if (written < 0) {
        int errno = Libc.errno();
        Libc.get().close(fd);
        throw Errno.failure(what, errno);
      }
      buffer.position(buffer.position() + (int) written);
    }
    return fd;
  }

  /** The first complaint with the line that it is about; the rest tends to follow from it. */
  private static String explain(String error) {
    String[] lines = error.strip().split("\n");
    if (lines[0].isEmpty()) {
      return "refused without a reason";
    }
    return lines.length > 1 ? lines[0] + ": " + lines[1].strip() : lines[0];
  }

  @Override
  public synchronized void close() {
    if (context != null) {
      library.nft_ctx_free(context);
      context = null;
    }
  }
}
