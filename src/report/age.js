(function () {
  var looked = document.querySelector("#looked time");
  var age = document.getElementById("age");
  var hours = Math.floor((Date.now() - Date.parse(looked.dateTime)) / 3600000);
  if (hours >= 1) {
    var many = hours >= 48 ? Math.floor(hours / 24) + " days" : hours === 1 ? "1 hour" : hours + " hours";
    age.textContent = ", which was " + many + " ago";
  }
  if (hours >= 25) {
    age.className = "old";
  }
})();
