// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import akka.Done;
import io.sluice.actors.conntrack.ConntrackKeeper;
import io.sluice.actors.interfaces.InterfaceHost.Slots;
import java.util.List;
import java.util.Map;

/**
 * Makes rounds of policy: works out what is wanted, and has it installed. What it is not sure of
 * after a failure it makes anew. Blocks; for one thread at a time.
 */
final class Rounds {
  private final PolicyManager.Parts parts;
  private final Installer.Totals totals;
  private final Owners owners;
  private Calculator calculator;
  private PolicySettings calculated;
  private PolicyManager.View view;
  private NodePolicy policy;
  private Installer installer;

  /**
   * What a round is made of.
   *
   * @param slots of the interfaces that have asked for programs
   * @param loads that wait for an answer
   * @param retry whether what has failed before is tried again, though it is the same
   */
  record Round(
      PolicyManager.Configure settings,
      PolicyManager.View view,
      Map<String, Slots> slots,
      List<PolicyManager.Load> loads,
      boolean retry) {}

  /** What came of it. */
  record Made(NodePolicy policy, Outcome outcome) {}

  Rounds(PolicyManager.Parts parts, Installer.Totals totals, Owners owners) {
    this.parts = parts;
    this.totals = totals;
    this.owners = owners;
  }

  Made make(Round round) {
    owners.see(round.view().snapshot());
    calculate(round);
    try {
      Made made = new Made(policy, installer().apply(policy, round.slots(), round.retry()));
      tellOwners();
      return made;
    } catch (RuntimeException e) {
      installer = null;
      throw e;
    }
  }

  private void calculate(Round round) {
    PolicySettings settings = round.settings().settings();
    if (settings.equals(calculated) && view == round.view()) {
      return;
    }
    try {
      if (!settings.equals(calculated)) {
        calculator = parts.calculator().apply(settings);
        calculated = settings;
      }
      view = round.view();
      policy = calculator.update(view.snapshot(), view.workloads(), view.hosts());
    } catch (RuntimeException e) {
      calculated = null;
      throw e;
    }
  }

  /** Only now: what opens again from here on is asked by what knows the new owners. */
  private void tellOwners() {
    owners
        .handedOver()
        .ifPresent(
            change -> {
              int now = parts.dataplane().jiffies();
              parts
                  .conntrack()
                  .tell(new ConntrackKeeper.OwnersChanged(change.nobodys(), change.taken(), now));
            });
  }

  private Installer installer() {
    if (installer == null) {
      installer = new Installer(parts.dataplane(), parts.generator(), totals);
    }
    return installer;
  }

  Done clear(Slots slots) {
    installer().clear(slots);
    return Done.getInstance();
  }
}
