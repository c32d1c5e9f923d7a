// The buttons of a tray that leads on in steps: where one of them was, there may be another after its click.

/** The second click of a double one was meant for what stood there before: Create comes to the place of Next. */
export function onlySingleClicks(tray: JQuery): void {
  const second = (event: MouseEvent): void => {
    if (event.detail > 1) event.stopImmediatePropagation();
  };
  tray.find('.red-ui-tray-toolbar').get(0)?.addEventListener('click', second, true);
}
