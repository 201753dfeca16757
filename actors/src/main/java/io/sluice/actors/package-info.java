// SPDX-License-Identifier: Apache-2.0
/** What one node does: its guardian, which starts the keepers and connects them. */
package io.sluice.actors;
