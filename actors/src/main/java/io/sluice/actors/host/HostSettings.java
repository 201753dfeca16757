// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.host;

import io.sluice.kernel.layout.Ip;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * The kernel settings and addresses that forwarding to workloads needs, for the host and for each
 * workload interface. Whatever it changes is in the {@link HostLedger} first; what is right already
 * is neither written nor recorded.
 *
 * <p>Not thread-safe; all calls block.
 */
public final class HostSettings {
  /** The IPv4 gateway of every workload: answered by proxy ARP, held by nobody. */
  public static final Ip GATEWAY4 = Ip.parse("169.254.1.1");

  /** The IPv6 gateway of every workload: an address of the host side of its link. */
  public static final Ip GATEWAY6 = Ip.parse("fe80::ecee:eeff:feee:eeee");

  private static final int GATEWAY6_PREFIX = 64;

  private static final String CONF4 = "net/ipv4/conf/";
  private static final String CONF6 = "net/ipv6/conf/";
  private static final String NEIGH4 = "net/ipv4/neigh/";
  private static final String FORWARD4 = "net/ipv4/ip_forward";
  private static final String FORWARD6 = CONF6 + "all/forwarding";
  private static final String FORWARDING = "/forwarding";
  private static final String RP_FILTER = "/rp_filter";
  private static final String RP_FILTER_ALL = CONF4 + "all" + RP_FILTER;
  private static final String LOOPBACK = "lo";
  private static final String REDIRECTS_ALL = CONF4 + "all/accept_redirects";

  private final HostNet net;
  private final Sysctls sysctls;
  private final HostLedger ledger;

  public HostSettings(HostNet net, Sysctls sysctls, HostLedger ledger) {
    this.net = net;
    this.sysctls = sysctls;
    this.ledger = ledger;
  }

  /**
   * What the host as a whole needs: forwarding in both families, and no reverse-path filter of the
   * kernel on interfaces with programs, which check sources better (a reply that was translated
   * back bears a service's address, to which no route leads). The filter's value for all interfaces
   * is an "at least" for each, so the other interfaces get it as their own before it goes.
   *
   * @param isOurs tells interfaces with programs by name
   * @return the keys of the settings that were otherwise
   */
  public List<String> prepareHost(Predicate<String> isOurs) {
    List<String> written = new ArrayList<>();
    Map<String, String> wanted = new LinkedHashMap<>();
    if (!sysctls.read(FORWARD4).equals(Optional.of("1"))) {
      // The kernel sets all of these when it sets the first.
      eachConf(CONF4, name -> true).forEach(name -> wanted.put(CONF4 + name + FORWARDING, "1"));
      wanted.put(REDIRECTS_ALL, "0");
      written.addAll(setMaster(FORWARD4, wanted));
    }
    if (!sysctls.read(FORWARD6).equals(Optional.of("1"))) {
      wanted.clear();
      eachConf(CONF6, name -> true).forEach(name -> wanted.put(CONF6 + name + FORWARDING, "1"));
      written.addAll(setMaster(FORWARD6, wanted));
    }
    int all = sysctls.read(RP_FILTER_ALL).map(Integer::parseInt).orElse(0);
    if (all != 0) {
      wanted.clear();
      // Not "default": writing it changes every interface that never had a value of its own.
      Predicate<String> others =
          name -> !name.equals("all") && !name.equals("default") && !isOurs.test(name);
      for (String name : eachConf(CONF4, others)) {
        String key = CONF4 + name + RP_FILTER;
        if (sysctls.read(key).map(Integer::parseInt).orElse(all) < all) {
          wanted.put(key, Integer.toString(all));
        }
      }
      wanted.put(RP_FILTER_ALL, "0");
      written.addAll(ensure(wanted));
    }
    return written;
  }

  private List<String> eachConf(String folder, Predicate<String> filter) {
    return sysctls.list(folder).stream().filter(filter).toList();
  }

  /**
   * Sets a switch to 1 that makes the kernel set others. Those are recorded even where they have
   * that value already: when the switch goes back, the kernel clears them, too.
   */
  private List<String> setMaster(String key, Map<String, String> effects) {
    Map<String, String> all = new LinkedHashMap<>(effects);
    all.put(key, "1");
    record(all, true);
    if (sysctls.read(key).isEmpty()) {
      return List.of();
    }
    sysctls.write(key, "1");
    return List.of(key);
  }

  private void record(Map<String, String> wanted, boolean equalToo) {
    List<HostLedger.SavedSysctl> saved = new ArrayList<>();
    wanted.forEach(
        (key, value) ->
            sysctls
                .read(key)
                .filter(now -> equalToo || !now.equals(value))
                .ifPresent(
                    now -> saved.add(new HostLedger.SavedSysctl(key, before(key, now), value))));
    ledger.save(saved);
  }

  /** What a setting goes back to: what was set here before is nothing to come back to. */
  private String before(String key, String now) {
    return ledger
        .sysctl(key)
        .filter(saved -> saved.ours().equals(now))
        .map(HostLedger.SavedSysctl::before)
        .orElse(now);
  }

  /**
   * Sets what differs, after recording it; what this kernel does not have is passed over.
   *
   * @return the keys of what differed
   */
  private List<String> ensure(Map<String, String> wanted) {
    record(wanted, false);
    List<String> written = new ArrayList<>();
    wanted.forEach(
        (key, value) ->
            sysctls
                .read(key)
                .filter(before -> !before.equals(value))
                .ifPresent(
                    before -> {
                      sysctls.write(key, value);
                      written.add(key);
                    }));
    return written;
  }

  /**
   * What one workload interface needs, for the families of its workload.
   *
   * @throws RuntimeException if the kernel refuses; may be called again
   */
  public void prepareNic(HostNet.Nic nic, boolean ipv4, boolean ipv6) {
    Map<String, String> wanted = new LinkedHashMap<>();
    if (ipv4) {
      wanted.put(CONF4 + nic.name() + "/proxy_arp", "1");
      wanted.put(NEIGH4 + nic.name() + "/proxy_delay", "0");
      wanted.put(CONF4 + nic.name() + FORWARDING, "1");
      wanted.put(CONF4 + nic.name() + RP_FILTER, "0");
    }
    if (ipv6) {
      wanted.put(CONF6 + nic.name() + "/disable_ipv6", "0");
      wanted.put(CONF6 + nic.name() + "/accept_ra", "0");
      wanted.put(CONF6 + nic.name() + FORWARDING, "1");
      wanted.put(CONF6 + nic.name() + "/proxy_ndp", "1");
    }
    ensure(wanted);
    if (ipv6) {
      ensureGateway6(nic);
    }
  }

  /**
   * What a host endpoint needs: no reverse-path filter of the kernel, for programs check sources,
   * or nobody is to. On loopback arrive answers to what the host has sent to a service that has its
   * own addresses, as those of node ports are: their source is local.
   *
   * @return the keys of the settings that were otherwise
   */
  public List<String> prepareHostEndpoint(String nic) {
    Map<String, String> wanted = new LinkedHashMap<>();
    wanted.put(CONF4 + nic + RP_FILTER, "0");
    if (nic.equals(LOOPBACK)) {
      wanted.put(CONF4 + nic + "/accept_local", "1");
    }
    return ensure(wanted);
  }

  /**
   * What the device of the tunnel to other nodes needs, while it is up. Programs check where
   * packets come from; a node whose pods are reached another way than they reach us would fail the
   * kernel's reverse-path filter. A flow-based device has no neighbours, so no address of its own
   * making.
   *
   * @param mtu6 of IPv6 packets, which the kernel sets anew whenever the device's own changes
   */
  public void prepareTunnel(String nic, int mtu6) {
    Map<String, String> wanted = new LinkedHashMap<>();
    wanted.put(CONF4 + nic + FORWARDING, "1");
    wanted.put(CONF4 + nic + RP_FILTER, "0");
    wanted.put(CONF6 + nic + "/disable_ipv6", "0");
    wanted.put(CONF6 + nic + "/accept_ra", "0");
    wanted.put(CONF6 + nic + "/addr_gen_mode", "1");
    wanted.put(CONF6 + nic + FORWARDING, "1");
    wanted.put(CONF6 + nic + "/mtu", Integer.toString(mtu6));
    ensure(wanted);
  }

  /**
   * A link of the usual MAC address ee:ee:ee:ee:ee:ee has the gateway address from the kernel, but
   * only after duplicate address detection, which may take seconds and be held up by a peer that is
   * not there yet: such an address is replaced by one that is good at once.
   */
  private void ensureGateway6(HostNet.Nic nic) {
    Optional<HostNet.HostAddress> existing =
        net.addresses(nic.index()).stream().filter(a -> a.address().equals(GATEWAY6)).findFirst();
    if (existing.isPresent() && existing.get().usable()) {
      return;
    }
    if (existing.isPresent()) {
      net.removeAddress(nic.index(), GATEWAY6, existing.get().prefix());
    } else {
      ledger.save(gateway6(nic.name()));
    }
    net.addAddress(nic.index(), GATEWAY6, GATEWAY6_PREFIX);
  }

  private static HostLedger.AddedAddress gateway6(String nic) {
    return new HostLedger.AddedAddress(nic, GATEWAY6 + "/" + GATEWAY6_PREFIX);
  }

  /**
   * Puts an interface that stays back to how it was found.
   *
   * @param foreign whether it is none of ours any more, so that the reverse-path filter that all
   *     interfaces had before is to hold for it, as for all others
   */
  public void restoreNic(HostNet.Nic nic, boolean foreign) {
    restore(ledger.sysctls().stream().filter(s -> isOf(nic.name(), s.key())).toList());
    if (ledger.addresses().contains(gateway6(nic.name()))) {
      net.removeAddress(nic.index(), GATEWAY6, GATEWAY6_PREFIX);
      ledger.forget(gateway6(nic.name()));
    }
    if (foreign) {
      keepFilterOfAll(nic.name());
    }
  }

  private void keepFilterOfAll(String nic) {
    String key = CONF4 + nic + RP_FILTER;
    int all = ledger.sysctl(RP_FILTER_ALL).map(saved -> Integer.parseInt(saved.before())).orElse(0);
    if (sysctls.read(key).map(Integer::parseInt).orElse(all) < all) {
      ensure(Map.of(key, Integer.toString(all)));
    }
  }

  /** Forgets what was recorded of an interface that is gone. */
  public void forgetNic(String name) {
    ledger.forgetSysctls(
        ledger.sysctls().stream()
            .map(HostLedger.SavedSysctl::key)
            .filter(key -> isOf(name, key))
            .toList());
    ledger.forget(gateway6(name));
  }

  private static boolean isOf(String nic, String key) {
    return key.startsWith(CONF4 + nic + "/")
        || key.startsWith(CONF6 + nic + "/")
        || key.startsWith(NEIGH4 + nic + "/");
  }

  /**
   * Puts everything in the ledger back to how it was found.
   *
   * @return settings that somebody else has changed since, and that were left alone, as lines
   */
  public List<String> restoreAll() {
    Map<String, Integer> nics = new LinkedHashMap<>();
    net.nics().forEach(nic -> nics.put(nic.name(), nic.index()));
    for (HostLedger.AddedAddress added : ledger.addresses()) {
      Integer index = nics.get(added.nic());
      int slash = added.address().indexOf('/');
      if (index != null) {
        net.removeAddress(
            index,
            Ip.parse(added.address().substring(0, slash)),
            Integer.parseInt(added.address().substring(slash + 1)));
      }
      ledger.forget(added);
    }
    return restore(ledger.sysctls());
  }

  /** The switches that change other settings come first, so that the others have the last word. */
  private List<String> restore(List<HostLedger.SavedSysctl> saved) {
    List<String> left = new ArrayList<>();
    List<HostLedger.SavedSysctl> ours = new ArrayList<>();
    for (HostLedger.SavedSysctl sysctl : saved) {
      Optional<String> now = sysctls.read(sysctl.key());
      if (now.isPresent() && now.get().equals(sysctl.ours())) {
        boolean master = sysctl.key().equals(FORWARD4) || sysctl.key().equals(FORWARD6);
        ours.add(master ? 0 : ours.size(), sysctl);
      } else if (now.isPresent() && !now.get().equals(sysctl.before())) {
        left.add(
            sysctl.key()
                + " is "
                + now.get()
                + ", which Sluice did not set: not restored to "
                + sysctl.before());
      }
    }
    for (HostLedger.SavedSysctl sysctl : ours) {
      if (!sysctls.read(sysctl.key()).equals(Optional.of(sysctl.before()))) {
        sysctls.write(sysctl.key(), sysctl.before());
      }
    }
    ledger.forgetSysctls(saved.stream().map(HostLedger.SavedSysctl::key).toList());
    return left;
  }
}
